//! The command for people, container init hooks and health checks.
#![no_main]
#![expect(unsafe_code, reason = "a C main: no runtime start-up, and SIGPIPE stays as it was inherited")]

/// The whole program is [`futo_launch::admin`].
#[unsafe(no_mangle)]
pub extern "C" fn main() -> std::ffi::c_int {
    futo_launch::admin::run(std::env::args_os().skip(1)).code()
}
