//! The walk.

use std::cell::{RefCell, RefMut};
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

use fdkit::{Names, Step, Walk as CoreWalk, WalkOptions};
use napi::bindgen_prelude::{
    BufferSlice, Either, Env, Error, Function, FunctionCallContext, JsValue, Result, Status,
};
use napi_derive::napi;

use crate::fd::dir_fd;
use crate::path::{CHUNK, NameKind, PathArg, Values};
use crate::ret::{Failure, Ret};

type Sink<'env> = Function<'env, Values, ()>;

/// A walk, step by step.
#[napi]
pub struct Walk(Rc<Shared>);

struct Shared {
    walk: RefCell<CoreWalk<'static>>,
    kind: NameKind,
}

#[napi]
impl Walk {
    /// Opens nothing.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        top: PathArg,
        as_buffers: bool,
        topdown: bool,
        follow_symlinks: bool,
        max_open: u32,
        start: Option<i32>,
    ) -> Result<Self> {
        let start = dir_fd(start).map_err(|error| Error::new(Status::InvalidArg, error))?;
        let options = WalkOptions { topdown, follow_symlinks, max_open: max_open as usize };
        let walk = RefCell::new(CoreWalk::new(top.as_c_str(), start, options));
        Ok(Self(Rc::new(Shared { walk, kind: NameKind { as_buffers } })))
    }

    /// What makes a step: goes on to the next directory and returns its descriptor, -1 at the
    /// end, or a failure; `skipped` is set on one after which the walk goes on.
    ///
    /// `enter(kept, ...names)` gets how the path changes, of walks that yield strings; the
    /// other sinks get the names in the directory, some hundreds a call.
    ///
    /// A function of its own, since what napi-rs does around a method takes a quarter of a
    /// microsecond, which is a tenth of what a step takes outside the kernel.
    #[napi(
        catch_unwind,
        ts_return_type = "(enter: (kept: number, ...names: string[]) => void, \
                          dirnames: (...names: any[]) => void, \
                          filenames: (...names: any[]) => void) => Ret<number>"
    )]
    pub fn stepper<'env>(&self, env: &'env Env) -> Result<Function<'env, Values, Ret<i32>>> {
        let shared = Rc::clone(&self.0);
        env.create_function_from_closure("step", move |call: FunctionCallContext<'_>| {
            shared.step(call.env, &call.get(0)?, &call.get(1)?, &call.get(2)?)
        })
    }

    /// The directories to be visited next.
    #[napi(catch_unwind)]
    pub fn set_dirnames(
        &self,
        #[napi(ts_arg_type = "(string | Uint8Array)[]")] names: Vec<PathArg>,
    ) -> Result<()> {
        let set = self.0.borrow_mut()?.set_dirnames(names.iter().map(PathArg::to_bytes));
        set.map_err(|error| Error::new(Status::InvalidArg, error))
    }

    /// The path of the directory that the last step came to.
    #[napi(catch_unwind)]
    pub fn path<'env>(&self, env: &'env Env) -> Result<BufferSlice<'env>> {
        BufferSlice::copy_from(env, self.0.borrow_mut()?.path().as_os_str().as_bytes())
    }

    /// Closes everything.
    #[napi(catch_unwind)]
    pub fn close(&self) -> Result<()> {
        self.0.borrow_mut()?.close();
        Ok(())
    }
}

impl Shared {
    // A sink that steps, or closes, is refused.
    fn borrow_mut(&self) -> Result<RefMut<'_, CoreWalk<'static>>> {
        let walk = self.walk.try_borrow_mut();
        walk.map_err(|error| Error::new(Status::GenericFailure, error.to_string()))
    }

    fn step(
        &self,
        env: &Env,
        enter: &Sink<'_>,
        dirnames: &Sink<'_>,
        filenames: &Sink<'_>,
    ) -> Result<Ret<i32>> {
        let mut walk = self.borrow_mut()?;
        let step = match walk.step() {
            Ok(Some(step)) => step,
            Ok(None) => return Ok(Either::A(-1)),
            Err(error) => return Ok(Either::B(error.into())),
        };
        if !self.kind.as_buffers {
            self.enter(env, &mut walk, enter)?;
        }
        if let Step::Skipped(error) = step {
            return Ok(Either::B(Failure { skipped: Some(true), ..error.into() }));
        }
        self.pour(env, walk.dirnames(), dirnames)?;
        self.pour(env, walk.filenames(), filenames)?;
        Ok(Either::A(walk.fd().map_or(-1, fdkit::fd::number)))
    }

    fn enter(&self, env: &Env, walk: &mut CoreWalk<'static>, enter: &Sink<'_>) -> Result<()> {
        let mut kept = walk.kept();
        let mut names = walk.take_new_names();
        loop {
            let mut values = Vec::with_capacity(1 + names.len().min(CHUNK));
            values.push(env.create_double(kept as f64)?.raw());
            for name in names.by_ref().take(CHUNK) {
                values.push(self.kind.to_js(env, name)?);
                kept += 1;
            }
            enter.call(Values(values))?;
            if names.len() == 0 {
                return Ok(());
            }
        }
    }

    fn pour(&self, env: &Env, names: &Names, sink: &Sink<'_>) -> Result<()> {
        self.kind.pour(env, names.iter().map(|(name, _)| name.to_bytes()), sink)
    }
}
