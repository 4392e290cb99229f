//! Files as memory: buffers of JavaScript over mappings.

use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use fdkit::Error;
use fdkit::files::descriptors::borrow;
use fdkit::memory::mapping::{self, MapOptions, Mapping};
use napi::bindgen_prelude::{Env, Result};
use napi::sys;

use crate::call::{Out, Reply, guard, reply};
use crate::convert::held::lock;
use crate::convert::ret::Failure;
use crate::convert::values::to_js;
use crate::exports::Args;

/// A mapping that is to be handed out.
pub struct Buffer {
    mapping: Mapping,
    is_shared: bool,
}

/// `mmap(isShared, fd, offset, length, writable, mayShrink, populate)`.
pub fn mmap(args: &Args) -> Result<Reply> {
    let (is_shared, fd) = (args.get(0)?, args.get(1)?);
    let options = MapOptions {
        offset: args.bytes(2)?.unwrap_or(0),
        length: args.bytes(3)?,
        writable: args.maybe(4)?,
        may_shrink: args.get(5)?,
        populate: args.get(6)?,
    };
    Ok(reply(false, move || {
        let mapping = Mapping::mmap(borrow(fd, "mmap")?, &options)?;
        Ok(Out::Buffer(Buffer { mapping, is_shared }))
    }))
}

/// `munmap(buffer)`: empties an ArrayBuffer of `mmap`, and gives its memory back. `EINVAL`: it is
/// none, or no more.
pub fn munmap(args: &Args) -> Result<Reply> {
    let (env, buffer) = (args.env.raw(), args.raw(0)?);
    let (mut data, mut length) = (ptr::null_mut(), 0);
    // SAFETY: a value of the call that is under way, with its env.
    let status =
        unsafe { sys::napi_get_arraybuffer_info(env, buffer, &raw mut data, &raw mut length) };
    let is_buffer = status == sys::Status::napi_ok;
    // Taken out first: some runtimes call the finalizer at once.
    let Some(mapped) = is_buffer.then(|| take(data.addr(), |_| true)).flatten() else {
        return Ok(Error::new(libc::EINVAL, "munmap").into());
    };
    // SAFETY: as above.
    let status = unsafe { sys::napi_detach_arraybuffer(env, buffer) };
    if let Err(error) = napi::check_status!(status) {
        keep(mapped);
        return Err(error);
    }
    Ok(reply(false, move || mapped.mapping.munmap()))
}

/// `canShare()`: whether the runtime can make a SharedArrayBuffer over memory that it did not
/// allocate.
pub fn can_share(_args: &Args) -> Result<Reply> {
    Ok(Out::Is(create_external_sharedarraybuffer().is_some()).into())
}

/// `pageSize()`.
pub fn page_size(_args: &Args) -> Result<Reply> {
    Ok(Out::Bits(mapping::page_size() as u32).into())
}

/// Whether the address is in an ArrayBuffer of `mmap`.
pub fn is_mapped(address: usize) -> bool {
    let mapped = lock(&MAPPED);
    let above = mapped.partition_point(|each| each.address() <= address);
    let below = above.checked_sub(1).and_then(|index| mapped.get(index));
    below.is_some_and(|each| address - each.address() < each.mapping.len())
}

/// A mapping under an ArrayBuffer. The number tells it from those that were at its address before,
/// and whose finalizers may come late.
struct Mapped {
    number: usize,
    mapping: Mapping,
}

impl Mapped {
    fn address(&self) -> usize {
        self.mapping.as_ptr().addr()
    }
}

// By address. A process has some 65,000 mappings at most.
static MAPPED: Mutex<Vec<Mapped>> = Mutex::new(Vec::new());
static NEXT: AtomicUsize = AtomicUsize::new(0);

fn keep(new: Mapped) {
    let mut mapped = lock(&MAPPED);
    let index = mapped.partition_point(|each| each.address() < new.address());
    mapped.insert(index, new);
}

fn take(address: usize, is_it: impl Fn(&Mapped) -> bool) -> Option<Mapped> {
    let mut mapped = lock(&MAPPED);
    let index = mapped.partition_point(|each| each.address() < address);
    let found = mapped.get(index).is_some_and(|each| each.address() == address && is_it(each));
    found.then(|| mapped.remove(index))
}

impl Buffer {
    pub fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        let mut value = ptr::null_mut();
        let status =
            if self.is_shared { self.share(env, &mut value) } else { self.map(env, &mut value) };
        if status == sys::Status::napi_no_external_buffers_allowed {
            return to_js(env, Failure::from(Error::new(libc::ENOTSUP, "mmap")));
        }
        napi::check_status!(status)?;
        Ok(value)
    }

    fn map(self, env: &Env, value: &mut sys::napi_value) -> i32 {
        let (address, length) = (self.mapping.as_ptr(), self.mapping.len());
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        keep(Mapped { number, mapping: self.mapping });
        let hint = ptr::without_provenance_mut(number);
        // SAFETY: the memory stays until the finalizer has been called, or the buffer detached.
        let status = unsafe {
            sys::napi_create_external_arraybuffer(
                env.raw(),
                address.cast(),
                length,
                Some(finalize),
                hint,
                value,
            )
        };
        if status != sys::Status::napi_ok {
            forget(address.addr(), number);
        }
        status
    }

    fn share(self, env: &Env, value: &mut sys::napi_value) -> i32 {
        let Some(create) = create_external_sharedarraybuffer() else {
            return sys::Status::napi_no_external_buffers_allowed;
        };
        let length = self.mapping.len();
        let (address, mapped) = self.mapping.into_raw();
        let hint = ptr::without_provenance_mut(mapped);
        // SAFETY: the memory stays until the finalizer is called.
        let status =
            unsafe { create(env.raw(), address.as_ptr().cast(), length, Some(unmap), hint, value) };
        if status != sys::Status::napi_ok {
            // SAFETY: nothing was made that would finalize it.
            unsafe { unmap(address.as_ptr().cast(), hint) };
        }
        status
    }
}

fn forget(address: usize, number: usize) {
    drop(take(address, |each| each.number == number));
}

unsafe extern "C" fn finalize(_env: sys::napi_env, data: *mut c_void, hint: *mut c_void) {
    let _ = guard(|| forget(data.addr(), hint.addr()));
}

// Called on any thread.
unsafe extern "C" fn unmap(data: *mut c_void, hint: *mut c_void) {
    // SAFETY: what `into_raw` gave, of a buffer that is no more.
    let _ = unsafe { mapping::munmap(data.cast(), hint.addr()) };
}

type FinalizeShared = unsafe extern "C" fn(data: *mut c_void, hint: *mut c_void);
type CreateShared = unsafe extern "C" fn(
    env: sys::napi_env,
    data: *mut c_void,
    length: usize,
    finalize: Option<FinalizeShared>,
    hint: *mut c_void,
    value: *mut sys::napi_value,
) -> sys::napi_status;

/// Newer than the version of Node-API that the addon asks for.
fn create_external_sharedarraybuffer() -> Option<CreateShared> {
    static FOUND: OnceLock<Option<CreateShared>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let name = c"node_api_create_external_sharedarraybuffer";
        // SAFETY: a name that ends in NUL.
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
        // SAFETY: that is its type.
        NonNull::new(found).map(|found| unsafe { std::mem::transmute(found.as_ptr()) })
    })
}
