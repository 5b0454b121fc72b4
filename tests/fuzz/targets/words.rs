//! What is read of run scripts and of option values, on any bytes: no panic.
#![no_main]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use futo_launch::config::value::Template;
use futo_launch::service::run_script;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = run_script::parse(bytes);
    if let Ok(template) = Template::parse(OsStr::from_bytes(bytes)) {
        let _ = template.expand(&|name| (name.len() % 2 == 0).then_some(OsStr::new("value")));
    }
});
