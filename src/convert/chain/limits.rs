//! Programs that set limits and niceness.

use super::options::Options;
use super::{Found, Unclear};
use crate::convert::step::Step;
use crate::convert::word::Word;

/// `nice [-n N] PROG…`
pub(crate) fn nice(mut options: Options<'_>, words: &[Word]) -> Result<Found, Unclear> {
    let mut value = "10".to_string();
    // `nice -5` and `nice -n 5`
    let first = words.first().and_then(Word::literal).unwrap_or_default();
    if let Some(number) = first.strip_prefix('-').filter(|text| text.parse::<u8>().is_ok()) {
        let steps = vec![Step::Option("nice", number.to_string())];
        return Ok(Some((steps, words.get(1..).unwrap_or_default().to_vec())));
    }
    while let Some(option) = options.next_option()? {
        match option.as_str() {
            "-n" => value = options.value()?,
            other => return Err(format!("option {other} of nice")),
        }
    }
    Ok(Some((vec![Step::Option("nice", value)], options.rest())))
}

/// `s6-softlimit -o 1024 PROG…`
pub(crate) fn softlimit(mut options: Options<'_>) -> Result<Found, Unclear> {
    let mut steps = Vec::new();
    while let Some(option) = options.next_option()? {
        let names: &[&str] = match option.as_str() {
            "-m" => &["data", "stack", "memlock", "as"],
            "-a" => &["as"],
            "-c" => &["core"],
            "-d" => &["data"],
            "-f" => &["fsize"],
            "-l" => &["memlock"],
            "-o" => &["nofile"],
            "-p" => &["nproc"],
            "-r" => &["rss"],
            "-s" => &["stack"],
            "-t" => &["cpu"],
            other => return Err(format!("option {other} of s6-softlimit")),
        };
        let value = options.value()?;
        let value = if value == "=" { "unlimited".to_string() } else { value };
        steps.extend(names.iter().map(|name| Step::Option("ulimit", format!("{name}={value}"))));
    }
    Ok(Some((steps, options.rest())))
}
