//! The walk.

use std::os::unix::ffi::OsStrExt;

use fdkit::{Names, Step, Walk as CoreWalk, WalkOptions};
use napi::bindgen_prelude::{BufferSlice, Either, Env, Error, Function, JsValue, Result, Status};
use napi_derive::napi;

use crate::fd::dir_fd;
use crate::path::{NameKind, PathArg};
use crate::ret::{Failure, Ret};
use crate::values::{CHUNK, Values};

type Sink<'env> = Function<'env, Values, ()>;

/// A walk, step by step.
#[napi]
pub struct Walk {
    walk: CoreWalk<'static>,
    kind: NameKind,
}

#[napi]
impl Walk {
    /// Opens nothing.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        top: PathArg,
        topdown: bool,
        follow_symlinks: bool,
        max_open: u32,
        start: Option<i32>,
    ) -> Result<Self> {
        let start = dir_fd(start).map_err(|error| Error::new(Status::InvalidArg, error))?;
        let options = WalkOptions { topdown, follow_symlinks, max_open: max_open as usize };
        let walk = CoreWalk::new(top.as_c_str(), start, options);
        Ok(Self { walk, kind: top.kind() })
    }

    /// Goes on to the next directory and returns its descriptor, -1 at the end, or a failure;
    /// `skipped` is set on one after which the walk goes on.
    ///
    /// `enter(kept, ...names)` gets how the path changes, of walks that yield strings; the
    /// other sinks get the names in the directory, some hundreds a call.
    #[napi(catch_unwind)]
    pub fn step(
        &mut self,
        env: &Env,
        #[napi(ts_arg_type = "(kept: number, ...names: string[]) => void")] enter: Sink<'_>,
        #[napi(ts_arg_type = "(...names: any[]) => void")] dirnames: Sink<'_>,
        #[napi(ts_arg_type = "(...names: any[]) => void")] filenames: Sink<'_>,
    ) -> Result<Ret<i32>> {
        let step = match self.walk.step() {
            Ok(Some(step)) => step,
            Ok(None) => return Ok(Either::A(-1)),
            Err(error) => return Ok(Either::B(error.into())),
        };
        if !self.kind.as_buffers {
            self.enter(env, &enter)?;
        }
        if let Step::Skipped(error) = step {
            return Ok(Either::B(Failure { skipped: Some(true), ..error.into() }));
        }
        self.pour(env, self.walk.dirnames(), &dirnames)?;
        self.pour(env, self.walk.filenames(), &filenames)?;
        Ok(Either::A(self.walk.fd().map_or(-1, fdkit::fd::number)))
    }

    /// The directories to be visited next.
    #[napi(catch_unwind)]
    pub fn set_dirnames(
        &mut self,
        #[napi(ts_arg_type = "(string | Uint8Array)[]")] names: Vec<PathArg>,
    ) -> Result<()> {
        let set = self.walk.set_dirnames(names.iter().map(PathArg::to_bytes));
        set.map_err(|error| Error::new(Status::InvalidArg, error))
    }

    /// The path of the directory that the last step came to.
    #[napi(catch_unwind)]
    pub fn path<'env>(&self, env: &'env Env) -> Result<BufferSlice<'env>> {
        BufferSlice::copy_from(env, self.walk.path().as_os_str().as_bytes())
    }

    /// Closes everything.
    #[napi(catch_unwind)]
    pub fn close(&mut self) {
        self.walk.close();
    }

    fn enter(&mut self, env: &Env, enter: &Sink<'_>) -> Result<()> {
        let mut kept = self.walk.kept();
        let mut names = self.walk.take_new_names().peekable();
        loop {
            let mut values = vec![env.create_double(kept as f64)?.raw()];
            for name in names.by_ref().take(CHUNK) {
                values.push(self.kind.to_js(env, name)?);
                kept += 1;
            }
            enter.call(Values(values))?;
            if names.peek().is_none() {
                return Ok(());
            }
        }
    }

    fn pour(&self, env: &Env, names: &Names, sink: &Sink<'_>) -> Result<()> {
        self.kind.pour(env, names.iter().map(|(name, _)| name.to_bytes()), sink)
    }
}
