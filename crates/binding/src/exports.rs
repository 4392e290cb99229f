//! The functions that JavaScript calls.
//!
//! They are made here and not by napi-rs, whose code around every function takes a quarter of a
//! microsecond, as long as a system call, and 2 kB. Their types stand in `exports.d.ts`.

use std::ffi::{CStr, c_void};
use std::ptr;

use napi::bindgen_prelude::{Env, FromNapiValue, Object, Result};
use napi::{Error, JsValue, Status, sys};
use napi_derive::napi;

use crate::call::{Reply, guard};
use crate::convert::path::PathArg;
use crate::convert::values::{Sink, typed_array};
use crate::files::{attributes, descriptors, listing, names, stat};
use crate::memory::{futex, io, mapping, memfd};
use crate::tree::{rmtree, walk};

/// Converts in, calls core, converts out.
type Export = fn(&Args) -> Result<Reply>;

struct Entry(&'static CStr, Export);

static EXPORTS: [Entry; 53] = [
    Entry(c"adopt", descriptors::adopt),
    Entry(c"canShare", mapping::can_share),
    Entry(c"close", descriptors::close),
    Entry(c"dup", descriptors::dup_fd),
    Entry(c"faccessat2", attributes::faccessat2),
    Entry(c"fallocate", io::fallocate),
    Entry(c"fchmodat2", attributes::fchmodat2),
    Entry(c"fchownat", attributes::fchownat),
    Entry(c"fcntlAddSeals", memfd::fcntl_add_seals),
    Entry(c"fcntlGetSeals", memfd::fcntl_get_seals),
    Entry(c"fcntlGetfd", descriptors::fcntl_getfd),
    Entry(c"fcntlSetfd", descriptors::fcntl_setfd),
    Entry(c"ftruncate", io::ftruncate),
    Entry(c"futexCancel", futex::futex_cancel),
    Entry(c"futexWait", futex::futex_wait),
    Entry(c"futexWaiter", futex::futex_waiter),
    Entry(c"futexWaitLater", futex::futex_wait_later),
    Entry(c"futexWake", futex::futex_wake),
    Entry(c"getdents64", listing::getdents64),
    Entry(c"getdents64Later", listing::getdents64_later),
    Entry(c"linkat", names::linkat),
    Entry(c"listingPour", listing::listing_pour),
    Entry(c"memfdCreate", memfd::memfd_create),
    Entry(c"mkdirat", names::mkdirat),
    Entry(c"mkfifoat", names::mkfifoat),
    Entry(c"mknodat", names::mknodat),
    Entry(c"mmap", mapping::mmap),
    Entry(c"munmap", mapping::munmap),
    Entry(c"openat", names::openat),
    Entry(c"pageSize", mapping::page_size),
    Entry(c"pread", io::pread),
    Entry(c"pwrite", io::pwrite),
    Entry(c"readlinkat", names::readlinkat),
    Entry(c"renameat2", names::renameat2),
    Entry(c"rmtreeClose", rmtree::rmtree_close),
    Entry(c"rmtreeInterrupt", rmtree::rmtree_interrupt),
    Entry(c"rmtreeStart", rmtree::rmtree_start),
    Entry(c"rmtreeStep", rmtree::rmtree_step),
    Entry(c"scandir", listing::scandir),
    Entry(c"statx", stat::statx),
    Entry(c"statxLater", stat::statx_later),
    Entry(c"symlinkat", names::symlinkat),
    Entry(c"takeFd", descriptors::take_fd),
    Entry(c"unlinkat", names::unlinkat),
    Entry(c"utimensat", attributes::utimensat),
    Entry(c"walkClose", walk::walk_close),
    Entry(c"walkInterrupt", walk::walk_interrupt),
    Entry(c"walkPath", walk::walk_path),
    Entry(c"walkPour", walk::walk_pour),
    Entry(c"walkSetDirnames", walk::walk_set_dirnames),
    Entry(c"walkStart", walk::walk_start),
    Entry(c"walkStep", walk::walk_step),
    Entry(c"walkStepLater", walk::walk_step_later),
];

const MOST_ARGS: usize = 8;

/// The arguments of a call; those left out are undefined.
pub struct Args {
    pub env: Env,
    values: [sys::napi_value; MOST_ARGS],
}

impl Args {
    /// An argument. The TypeScript side has checked what it is.
    pub fn get<T: FromNapiValue>(&self, index: usize) -> Result<T> {
        let value = self.raw(index)?;
        // SAFETY: a value of the call that is under way, with its env.
        unsafe { T::from_napi_value(self.env.raw(), value) }
    }

    /// An argument that may be undefined.
    pub fn maybe<T: FromNapiValue>(&self, index: usize) -> Result<Option<T>> {
        let mut kind = 0;
        // SAFETY: a value of the call that is under way, with its env.
        let status = unsafe { sys::napi_typeof(self.env.raw(), self.raw(index)?, &raw mut kind) };
        napi::check_status!(status)?;
        if kind == sys::ValueType::napi_undefined { Ok(None) } else { self.get(index).map(Some) }
    }

    /// A count of bytes that may be undefined.
    pub fn bytes(&self, index: usize) -> Result<Option<u64>> {
        Ok(self.maybe::<f64>(index)?.map(|bytes| bytes as u64))
    }

    /// An argument that is a function.
    pub fn sink(&self, index: usize) -> Result<Sink> {
        Ok(Sink::new(&self.env, self.raw(index)?))
    }

    /// An argument that is an array of paths or names.
    pub fn paths(&self, index: usize) -> Result<Vec<PathArg>> {
        let (env, array) = (self.env.raw(), self.raw(index)?);
        let mut len = 0;
        // SAFETY: a value of the call that is under way, with its env.
        let status = unsafe { sys::napi_get_array_length(env, array, &raw mut len) };
        napi::check_status!(status)?;
        let path = |index| {
            let mut value = ptr::null_mut();
            // SAFETY: as above.
            let status = unsafe { sys::napi_get_element(env, array, index, &raw mut value) };
            napi::check_status!(status)?;
            // SAFETY: as above.
            unsafe { PathArg::from_napi_value(env, value) }
        };
        (0..len).map(path).collect()
    }

    /// Puts numbers of 8 bytes into an argument that is a Float64Array or its like.
    pub fn fill(&self, index: usize, numbers: &[u64]) -> Result<()> {
        // SAFETY: a value of the call that is under way, with its env.
        let (len, data) = unsafe { typed_array(self.env.raw(), self.raw(index)?) }?;
        if len < numbers.len() {
            return Err(Error::from_status(Status::InvalidArg));
        }
        // SAFETY: only lib/stat.ts gets here, with an array of its own of numbers that are 8 bytes
        // wide, and it is long enough; no JavaScript runs meanwhile.
        unsafe { ptr::copy_nonoverlapping(numbers.as_ptr(), data.cast(), numbers.len()) };
        Ok(())
    }

    /// An argument as it is.
    pub fn raw(&self, index: usize) -> Result<sys::napi_value> {
        let value = self.values.get(index).copied();
        value.ok_or_else(|| Error::from_status(Status::InvalidArg))
    }
}

/// Puts the functions on the module.
#[napi(module_exports)]
pub fn register(exports: Object, env: Env) -> Result<()> {
    for entry in &EXPORTS {
        let data: *const Entry = entry;
        let mut function = ptr::null_mut();
        // SAFETY: the name ends in NUL, and the data is static.
        let status = unsafe {
            sys::napi_create_function(
                env.raw(),
                entry.0.as_ptr(),
                entry.0.count_bytes().cast_signed(),
                Some(call),
                data.cast_mut().cast(),
                &raw mut function,
            )
        };
        napi::check_status!(status)?;
        // SAFETY: two values of the call that is under way, and a name that ends in NUL.
        let status = unsafe {
            sys::napi_set_named_property(env.raw(), exports.raw(), entry.0.as_ptr(), function)
        };
        napi::check_status!(status)?;
    }
    Ok(())
}

unsafe extern "C" fn call(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let result = guard(|| dispatch(env, info)).and_then(|result| result);
    result.unwrap_or_else(|error| {
        // One that JavaScript has thrown is pending already.
        if error.status != Status::PendingException {
            // What Node-API itself refuses has a status and no words.
            let status = error.status.to_string();
            let text = if error.reason.is_empty() { &status } else { &*error.reason };
            let _ = Env::from_raw(env).throw_error(text, None);
        }
        ptr::null_mut()
    })
}

fn dispatch(env: sys::napi_env, info: sys::napi_callback_info) -> Result<sys::napi_value> {
    let mut args = Args { env: Env::from_raw(env), values: [ptr::null_mut(); MOST_ARGS] };
    let (mut count, mut data) = (MOST_ARGS, ptr::null_mut::<c_void>());
    // SAFETY: there is room for as many values as is said; missing ones become undefined.
    let status = unsafe {
        sys::napi_get_cb_info(
            env,
            info,
            &raw mut count,
            args.values.as_mut_ptr(),
            ptr::null_mut(),
            &raw mut data,
        )
    };
    napi::check_status!(status)?;
    // SAFETY: what `register` gave: an entry of the table.
    let Entry(_, export) = unsafe { &*data.cast::<Entry>() };
    export(&args)?.into_js(&args.env)
}
