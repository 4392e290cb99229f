//! Files as memory: JavaScript buffers over mappings.

use std::ffi::{CStr, c_void};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use fdkit::Error;
use fdkit::files::descriptors::borrow;
use fdkit::memory::mapping::{self, MapOptions, Mapping};
use napi::bindgen_prelude::{ArrayBuffer, Env, JsValue, Result};
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
pub fn munmap(env: Env, buffer: ArrayBuffer) -> Result<Outcome<()>> {
    // Removed from the list first: some runtimes call the finalizer at once.
    let mapped = address_of(env.raw(), buffer.raw()).and_then(|address| take(address, |_| true));
    let Some(mapped) = mapped else {
        return Ok(Err(Error::new(libc::EINVAL, "munmap")).into());
    };
    if let Err(error) = buffer.detach() {
        keep(mapped);
        return Err(error);
    }
    Ok(mapped.into_mapping(env.raw()).munmap().into())
}

/// Returns the address of an ArrayBuffer's memory, or `None` if the value is not an ArrayBuffer or
/// is detached.
fn address_of(env: sys::napi_env, buffer: sys::napi_value) -> Option<usize> {
    let (mut data, mut length) = (ptr::null_mut(), 0);
    // SAFETY: a value of a scope that is open, with its env.
    let status =
        unsafe { sys::napi_get_arraybuffer_info(env, buffer, &raw mut data, &raw mut length) };
    (status == sys::Status::napi_ok && length > 0).then(|| data.addr())
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

/// Returns the address at which the kernel finds the word at `address`, or `None` if no buffer over
/// a mapping is there.
pub fn futex_word(address: usize) -> Option<fdkit::Result<*const u32>> {
    let mapped = lock(&MAPPED);
    let above = mapped.partition_point(|each| each.address() <= address);
    let found = mapped.get(above.checked_sub(1)?)?;
    let offset = address - found.address();
    (offset < found.mapping.len()).then(|| found.mapping.futex_word(offset))
}

/// The mapping of a buffer. The number tells it from earlier mappings at the same address, whose
/// finalizers may run late.
struct Mapped {
    number: usize,
    mapping: Mapping,
    /// The owner of an ArrayBuffer. There is none for a SharedArrayBuffer, or in Deno.
    owner: Option<Owner>,
    /// True if another thread may use the memory after the owner's thread has ended.
    is_moved: bool,
}

/// The thread that an ArrayBuffer belongs to, and a weak reference to it there.
#[derive(Clone, Copy)]
struct Owner {
    env: sys::napi_env,
    buffer: sys::napi_ref,
}

// SAFETY: only the thread of the env follows the pointers; other threads only compare them.
unsafe impl Send for Owner {}

impl Mapped {
    fn address(&self) -> usize {
        self.mapping.as_ptr().addr()
    }

    fn into_mapping(self, env: sys::napi_env) -> Mapping {
        // If another thread finalizes the buffer, the reference stays until the owner's thread
        // ends.
        if let Some(owner) = self.owner.filter(|owner| owner.env == env) {
            // SAFETY: the reference was created in this env, and is deleted once.
            unsafe { sys::napi_delete_reference(env, owner.buffer) };
        }
        self.mapping
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

fn find(mapped: &[Mapped], address: usize) -> Option<usize> {
    let index = mapped.partition_point(|each| each.address() < address);
    (mapped.get(index)?.address() == address).then_some(index)
}

fn take(address: usize, is_it: impl Fn(&Mapped) -> bool) -> Option<Mapped> {
    let mut mapped = lock(&MAPPED);
    let index = find(&mapped, address)?;
    mapped.get(index).is_some_and(is_it).then(|| mapped.remove(index))
}

/// A mapping on its way to JavaScript.
pub struct MappedBuffer {
    mapping: Mapping,
    is_shared: bool,
}

impl IntoJs for MappedBuffer {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        let (env, address, length) = (env.raw(), self.mapping.as_ptr(), self.mapping.len());
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        keep(Mapped { number, mapping: self.mapping, owner: None, is_moved: false });
        let (hint, mut value) = (ptr::without_provenance_mut(number), ptr::null_mut());
        let status = if self.is_shared {
            create_external_sharedarraybuffer().map_or(NOT_ALLOWED, |create| {
                // SAFETY: the memory stays mapped until the finalizer is called.
                unsafe {
                    create(env, address.cast(), length, Some(finalize_shared), hint, &raw mut value)
                }
            })
        } else {
            // SAFETY: the memory stays mapped until the finalizer is called or the buffer is
            // detached.
            unsafe {
                sys::napi_create_external_arraybuffer(
                    env,
                    address.cast(),
                    length,
                    Some(finalize),
                    hint,
                    &raw mut value,
                )
            }
        };
        if status != sys::Status::napi_ok {
            drop(take(address.addr(), |each| each.number == number));
        }
        if status == NOT_ALLOWED {
            let error = Error::new(libc::ENOTSUP, "mmap");
            return Failure::from(error).into_js(&Env::from_raw(env));
        }
        check(status, "creating a buffer over the mapping")?;
        if !self.is_shared {
            watch(env, value, address.addr())?;
        }
        Ok(value)
    }
}

const NOT_ALLOWED: sys::napi_status = sys::Status::napi_no_external_buffers_allowed;

/// Arranges that [`mark_moved`] looks at a buffer when its thread ends.
fn watch(env: sys::napi_env, value: sys::napi_value, address: usize) -> Result<()> {
    if is_deno(env) {
        return Ok(());
    }
    let buffer = reference(env, value, 0)?;
    let mut mapped = lock(&MAPPED);
    if let Some(found) = find(&mapped, address).and_then(|index| mapped.get_mut(index)) {
        found.owner = Some(Owner { env, buffer });
    }
    drop(mapped);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let (hint, mut sentinel) = (ptr::without_provenance_mut(number), ptr::null_mut());
    // SAFETY: a static byte. The buffer is not given to JavaScript.
    let status = unsafe {
        sys::napi_create_external_arraybuffer(
            env,
            SENTINEL.as_ptr().cast(),
            1,
            Some(finalize_sentinel),
            hint,
            &raw mut sentinel,
        )
    };
    check(status, "creating a buffer over the mapping")?;
    let new = Sentinel { env, buffer: reference(env, sentinel, 1)?, number };
    let old = {
        let mut sentinels = lock(&SENTINELS);
        let old = sentinels.iter().position(|each| each.env == env);
        let old = old.map(|index| sentinels.swap_remove(index));
        sentinels.push(new);
        old
    };
    match old {
        // SAFETY: the reference was created in this env, and is deleted once.
        Some(old) => unsafe { sys::napi_delete_reference(env, old.buffer) },
        // SAFETY: the function stays in memory, since the addon is never unloaded.
        None => unsafe { sys::napi_add_env_cleanup_hook(env, Some(end), env.cast()) },
    };
    Ok(())
}

fn reference(env: sys::napi_env, value: sys::napi_value, count: u32) -> Result<sys::napi_ref> {
    let mut reference = ptr::null_mut();
    // SAFETY: a value of the call that is under way, with its env.
    let status = unsafe { sys::napi_create_reference(env, value, count, &raw mut reference) };
    check(status, "napi_create_reference")?;
    Ok(reference)
}

/// The newest external buffer of a thread. It lives as long as the thread.
///
/// When a thread of Node.js ends, its external buffers are detached and finalized, from the newest
/// to the oldest, before any cleanup hook runs. So the finalizer of the newest buffer runs while
/// all mapped buffers are as JavaScript left them. Bun runs the hooks first: there, [`end`] does
/// the work.
struct Sentinel {
    env: sys::napi_env,
    buffer: sys::napi_ref,
    number: usize,
}

// SAFETY: only the thread of the env follows the pointers; other threads only compare them.
unsafe impl Send for Sentinel {}

static SENTINEL: AtomicU8 = AtomicU8::new(0);
static SENTINELS: Mutex<Vec<Sentinel>> = Mutex::new(Vec::new());

/// Returns true in Deno, which finalizes no buffers when a thread ends: there is nothing to mark.
/// Its cleanup hooks cannot create values.
fn is_deno(env: sys::napi_env) -> bool {
    let mut version = ptr::null();
    // SAFETY: the env of the call that is under way.
    let _ = unsafe { sys::napi_get_node_version(env, &raw mut version) };
    // SAFETY: the pointer is null or leads to static data.
    let release = unsafe { version.as_ref() }.filter(|version| !version.release.is_null());
    // SAFETY: the string is not null and ends in NUL.
    release.is_some_and(|version| unsafe { CStr::from_ptr(version.release) } == c"Deno")
}

unsafe extern "C" fn finalize_sentinel(env: sys::napi_env, _data: *mut c_void, hint: *mut c_void) {
    let is_newest = |each: &Sentinel| each.env == env && each.number == hint.addr();
    let _ = guard(|| {
        if lock(&SENTINELS).iter().any(is_newest) {
            mark_moved(env);
        }
    });
}

unsafe extern "C" fn end(env: *mut c_void) {
    let _ = guard(|| mark_moved(env.cast()));
}

/// Marks the mappings of a thread that ends whose memory has moved to another ArrayBuffer. Streams
/// and `ArrayBuffer.prototype.transfer` move memory, and the new ArrayBuffer can be posted to
/// another thread. That thread may use the memory at any time; nothing reports when it has
/// finished.
fn mark_moved(env: sys::napi_env) {
    let was_there = {
        let mut sentinels = lock(&SENTINELS);
        let before = sentinels.len();
        sentinels.retain(|each| each.env != env);
        sentinels.len() < before
    };
    if !was_there {
        return;
    }
    let mut scope = ptr::null_mut();
    // SAFETY: the env still exists. The scope is closed below.
    unsafe { sys::napi_open_handle_scope(env, &raw mut scope) };
    // The runtime is not called while the lock is held, since its finalizers take the lock.
    let of_env = |each: &Mapped| each.owner.filter(|owner| owner.env == env);
    let own = |each: &Mapped| of_env(each).map(|owner| (each.number, each.address(), owner));
    let owned: Vec<_> = lock(&MAPPED).iter().filter_map(own).collect();
    for (number, address, owner) in owned {
        let mut buffer = ptr::null_mut();
        // SAFETY: the reference was created in this env, and only this thread deletes it.
        unsafe { sys::napi_get_reference_value(env, owner.buffer, &raw mut buffer) };
        if !buffer.is_null() && address_of(env, buffer) == Some(address) {
            continue;
        }
        let mut mapped = lock(&MAPPED);
        let found = find(&mapped, address).and_then(|index| mapped.get_mut(index));
        if let Some(found) = found.filter(|each| each.number == number) {
            found.is_moved = true;
        }
    }
    // SAFETY: the scope was opened above.
    unsafe { sys::napi_close_handle_scope(env, scope) };
}

unsafe extern "C" fn finalize(env: sys::napi_env, data: *mut c_void, hint: *mut c_void) {
    let _ = guard(|| {
        if let Some(mapped) = take(data.addr(), |each| each.number == hint.addr()) {
            let is_moved = mapped.is_moved;
            let mapping = mapped.into_mapping(env);
            if is_moved {
                mapping.abandon();
            }
        }
    });
}

// Called on any thread, after every thread has dropped the buffer.
unsafe extern "C" fn finalize_shared(data: *mut c_void, hint: *mut c_void) {
    let _ = guard(|| drop(take(data.addr(), |each| each.number == hint.addr())));
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
