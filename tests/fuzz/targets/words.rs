//! What is read of run scripts, option values and dotenv files, on any bytes: no panic.
#![no_main]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use futo_launch::config::value::{Delay, ExpandableText};
use futo_launch::ready::environment::dotenv;
use futo_launch::schedule::Schedule;
use futo_launch::service::run_script;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = run_script::parse(bytes);
    let _ = dotenv::parse(bytes, [(OsStr::new("A"), OsStr::new("value"))].into_iter());
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = (Schedule::parse(text), Delay::parse(text));
    }
    if let Ok(template) = ExpandableText::parse(OsStr::from_bytes(bytes)) {
        let _ = template.expand(&|name| (name.len() % 2 == 0).then_some(OsStr::new("value")));
    }
});
