//! napi-rs without its bookkeeping of class references.
//!
//! Since 3.12.1 the code that `#[napi]` generates around every function with arguments keeps a list
//! of the class instances that the function borrows. It allocates twice and takes a lock twice in a
//! call, even if there is no class: 80 ns a call, and 440 bytes a function. The binding has no
//! classes, so this crate puts empty types in the place of that list.
//!
//! The names below are hidden in napi-rs's documentation and may change with each version. That is
//! one more reason why napi-rs's versions are pinned. A `#[napi]` class in the binding would still
//! compile, but each call that borrows an instance of it would throw.

pub use ::napi::*;

/// The names that `#[napi]` expects in `napi::bindgen_prelude`.
pub mod bindgen_prelude {
    pub use ::napi::bindgen_prelude::*;

    /// The class instances that a call borrows: none.
    #[derive(Debug)]
    pub struct NativeBorrowScope;

    #[expect(clippy::new_without_default, reason = "called by generated code only")]
    impl NativeBorrowScope {
        /// Begins a call.
        #[must_use]
        pub const fn new() -> Self {
            Self
        }

        /// Ends the conversion of the arguments.
        pub const fn finish(&mut self) {}
    }

    /// Keeps a call from using the list of the call around it.
    #[derive(Debug)]
    pub struct NativeBorrowBarrier;

    #[expect(clippy::new_without_default, reason = "called by generated code only")]
    impl NativeBorrowBarrier {
        /// Begins a call.
        #[must_use]
        pub const fn new() -> Self {
            Self
        }
    }

    /// Hands the list over to an asynchronous task.
    pub const fn defer_native_borrow_scope(_: NativeBorrowScope, _: ::napi::sys::napi_env) {}
}
