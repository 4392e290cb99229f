//! Files as memory: JavaScript buffers over mappings.

use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use fdkit::Error;
use fdkit::files::descriptors::borrow;
use fdkit::memory::mapping::{self, MapOptions, Mapping};
use napi::bindgen_prelude::{ArrayBuffer, Env, Result};
use napi::sys;
use napi_derive::napi;

use crate::call::guard;
use crate::convert::handle::lock;
use crate::convert::outcome::{Failure, Outcome};
use crate::convert::status::check;
use crate::convert::value::IntoJs;

/// Maps a file. `offset` and `length` are in bytes; without `length`, the rest of the file is
/// mapped.
///
/// @syscall mmap
#[napi(
    catch_unwind,
    ts_generic_types = "Shared extends boolean",
    ts_return_type = "Outcome<Shared extends true ? SharedArrayBuffer : ArrayBuffer>"
)]
pub fn mmap(
    #[napi(ts_arg_type = "Shared")] is_shared: bool,
    fd: i32,
    offset: i64,
    length: Option<i64>,
    writable: Option<bool>,
    may_shrink: bool,
    populate: bool,
) -> Outcome<MappedBuffer> {
    let options = MapOptions {
        offset: offset.cast_unsigned(),
        length: length.map(i64::cast_unsigned),
        writable,
        may_shrink,
        populate,
    };
    let mapping = borrow(fd, "mmap").and_then(|fd| Mapping::mmap(fd, &options));
    mapping.map(|mapping| MappedBuffer { mapping, is_shared }).into()
}

/// Detaches an ArrayBuffer of `mmap`, and unmaps its memory. `EINVAL`: the buffer is not one of
/// `mmap`, or is unmapped already.
///
/// @syscall munmap
#[napi(catch_unwind)]
pub fn munmap(buffer: ArrayBuffer) -> Result<Outcome<()>> {
    // Removed from the list first: some runtimes call the finalizer at once.
    let Some(mapped) = take(buffer.as_ptr().addr(), |_| true) else {
        return Ok(Err(Error::new(libc::EINVAL, "munmap")).into());
    };
    if let Err(error) = buffer.detach() {
        keep(mapped);
        return Err(error);
    }
    Ok(mapped.mapping.munmap().into())
}

/// Returns true if the runtime can create a SharedArrayBuffer over memory that it did not allocate.
///
/// @syscall mmap
#[napi(catch_unwind)]
pub fn can_share() -> bool {
    create_external_sharedarraybuffer().is_some()
}

/// Returns the size of a page of memory in bytes.
///
/// @syscall getpagesize
#[napi(catch_unwind)]
pub fn page_size() -> u32 {
    mapping::page_size() as u32
}

/// Returns true if the address is in an ArrayBuffer of `mmap`.
pub fn is_mapped(address: usize) -> bool {
    let mapped = lock(&MAPPED);
    let above = mapped.partition_point(|each| each.address() <= address);
    let below = above.checked_sub(1).and_then(|index| mapped.get(index));
    below.is_some_and(|each| address - each.address() < each.mapping.len())
}

/// The mapping of an ArrayBuffer. The number tells it from earlier mappings at the same address,
/// whose finalizers may run late.
struct Mapped {
    number: usize,
    mapping: Mapping,
}

impl Mapped {
    fn address(&self) -> usize {
        self.mapping.as_ptr().addr()
    }
}

// Sorted by address. A process has at most about 65,000 mappings.
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

/// A mapping on its way to JavaScript.
pub struct MappedBuffer {
    mapping: Mapping,
    is_shared: bool,
}

impl IntoJs for MappedBuffer {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        let mut value = ptr::null_mut();
        let status =
            if self.is_shared { self.share(env, &mut value) } else { self.map(env, &mut value) };
        if status == sys::Status::napi_no_external_buffers_allowed {
            return Failure::from(Error::new(libc::ENOTSUP, "mmap")).into_js(env);
        }
        check(status, "creating a buffer over the mapping")?;
        Ok(value)
    }
}

impl MappedBuffer {
    fn map(self, env: &Env, value: &mut sys::napi_value) -> i32 {
        let (address, length) = (self.mapping.as_ptr(), self.mapping.len());
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        keep(Mapped { number, mapping: self.mapping });
        let hint = ptr::without_provenance_mut(number);
        // SAFETY: the memory stays mapped until the finalizer is called or the buffer is detached.
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
        // SAFETY: the memory stays mapped until the finalizer is called.
        let status =
            unsafe { create(env.raw(), address.as_ptr().cast(), length, Some(unmap), hint, value) };
        if status != sys::Status::napi_ok {
            // SAFETY: no buffer was created that would unmap it.
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

// Called on any thread, without an env.
unsafe extern "C" fn unmap(data: *mut c_void, hint: *mut c_void) {
    // SAFETY: what `into_raw` returned, for a buffer that no longer exists.
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

/// Looks up a function that is newer than the version of Node-API that the addon asks for.
fn create_external_sharedarraybuffer() -> Option<CreateShared> {
    static FOUND: OnceLock<Option<CreateShared>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let name = c"node_api_create_external_sharedarraybuffer";
        // SAFETY: a name that ends in NUL.
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
        // SAFETY: the type of the function.
        NonNull::new(found).map(|found| unsafe { std::mem::transmute(found.as_ptr()) })
    })
}
