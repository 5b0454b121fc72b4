//! `futo status --html` in a real browser and in an HTML validator.

#[path = "../support/mod.rs"]
mod support;

mod planted;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use planted::Planted;
use support::launching::{code, finish};
use support::{names_in, needs, own_by_abc, read, rights, set_mode, stderr, stdout};

/// What a browser makes of a file: its document as text of HTML, and the addresses that it asked for.
fn browse(planted: &Planted, page: &Path, options: &[String]) -> (String, Vec<String>) {
    let profile = planted.scratch().join("profile");
    let net_log = planted.scratch().join("net.json");
    let mut command = Command::new("chromium");
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("--log-net-log={}", net_log.display()))
        .args(options)
        .arg("--dump-dom")
        .arg(format!("file://{}", page.display()))
        .env("HOME", &planted.scratch().path)
        .stdin(Stdio::null());
    let output = finish(&mut command);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let log: serde_json::Value = serde_json::from_str(&read(&net_log)).unwrap_or_default();
    let urls = log["events"].as_array().into_iter().flatten();
    let urls = urls.filter_map(|event| event["params"]["url"].as_str());
    // what the browser itself looks up is no business of the page
    let urls = urls.filter(|url| !url.contains("google") && !url.contains("gvt1"));
    (stdout(&output), urls.map(String::from).collect())
}

/// The text of the cells of the table, by row.
fn rows(dom: &str) -> Vec<Vec<String>> {
    let Some((_, body)) = dom.split_once("<tbody>") else { return Vec::new() };
    let (body, _) = body.split_once("</tbody>").expect("the end of the table");
    body.split("<tr>").skip(1).map(|row| row.split("</t").map(text).collect()).collect()
}

/// Without tags, and what was escaped as it was.
fn text(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, text)| text));
    }
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    text.trim().to_string()
}

/// No error and no warning, by HTML Tidy.
fn is_valid(page: &Path) {
    let output = finish(Command::new("tidy").args(["-quiet", "-errors", "--show-info", "no"]).arg(page));
    // its HTML 5 does not know this attribute of SVG
    let wrong: Vec<String> = stderr(&output).lines().map(String::from).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn a_browser_shows_what_the_json_has() {
    needs!(root, "chromium", "tidy");
    for (count, hostile) in [(0, false), (1, false), (6, false), (27, true)] {
        let planted = Planted::live(&format!("page-{count}"), count, hostile);
        let page = planted.page(&[]);
        is_valid(&page);
        let (dom, urls) = browse(&planted, &page, &planted.screenshot(count));
        let json = planted.json();
        let services = json["services"].as_array().expect("services");
        let expected: Vec<(String, String, String)> = services
            .iter()
            .map(|service| {
                let text = |key: &str| service[key].as_str().unwrap_or_default().to_string();
                (planted::shown(&text("name")), text("state"), planted::shown(&text("why")))
            })
            .collect();
        let seen: Vec<(String, String, String)> = rows(&dom)
            .into_iter()
            .map(|row| {
                (row[0].clone(), row[1].trim_start_matches(['●', '■', '▲', ' ']).to_string(), row[2].clone())
            })
            .collect();
        assert_eq!(seen, expected);
        assert!(!dom.contains("<script") && !dom.contains("onerror=\""), "{dom}");
        let away: Vec<&String> = urls.iter().filter(|url| !url.starts_with("file://")).collect();
        assert!(away.is_empty(), "{away:?}");
        // the style is in effect: its hash is the one of the policy
        let styled = stdout(&finish(Command::new("sh").args(["-c", STYLE_HASH, "sh"]).arg(&page)));
        assert!(read(&page).contains(styled.trim()), "the policy does not have {styled}");
    }
}

const STYLE_HASH: &str = r#"
sed -n '/<style>/,/<\/style>/p' "$1" | tr '\n' '\001' | sed 's/.*<style>//; s/<\/style>.*//' | tr '\001' '\n' > "$1.css"
printf "sha256-%s" "$(sha256sum < "$1.css" | cut -d' ' -f1 | python3 -c 'import base64,sys; print(base64.b64encode(bytes.fromhex(sys.stdin.read().strip())).decode())')"
"#;

/// The page can be used without seeing it and without a mouse, in both colour schemes: no violation by axe, an
/// established checker of contrast, headings, names and landmarks.
#[test]
fn a_checker_of_accessibility_finds_nothing() {
    needs!(root, "s6-svscan", "chromium");
    let planted = Planted::live("page-axe", 6, true);
    let page = read(planted.page(&[]));
    let checker = read(Path::new(env!("CARGO_MANIFEST_DIR")).join("target/axe/axe.min.js"));
    let start = page.find("<meta http-equiv=\"Content-Security-Policy\"").expect("the policy");
    let end = start + page[start..].find('>').expect("its end") + 1;
    // the checker is a script, which the policy would forbid
    let page = format!("{}{}", &page[..start], &page[end..]);
    let page =
        page.replace("</body>", &format!("<script>{checker}</script><script>{RUN_AXE}</script></body>"));
    let path = planted.scratch().write("axe.html", &page, 0o644);
    for scheme in ["0", "1"] {
        let options =
            [format!("--blink-settings=preferredColorScheme={scheme}"), "--virtual-time-budget=20000".into()];
        let (dom, _) = browse(&planted, &path, &options);
        let (_, result) = dom.split_once("<title>").expect("a title");
        let (result, _) = result.split_once("</title>").expect("its end");
        let passes = result.strip_prefix("0 violations, ").and_then(|rest| rest.split_once(' '));
        let passes = passes.and_then(|(count, _)| count.parse::<u32>().ok());
        assert!(passes.is_some_and(|passes| passes > 15), "colour scheme {scheme}: {result}");
    }
}

const RUN_AXE: &str = "axe.run().then(result => { \
    document.title = result.violations.length + ' violations, ' + result.passes.length + ' passes: ' \
    + JSON.stringify(result.violations.map(each => [each.id, each.nodes.map(node => node.html)])); });";

#[test]
fn five_hundred_services_with_full_histories_fit_into_two_megabytes() {
    needs!(root, "chromium", "tidy");
    let planted = Planted::defined("page-500", 500, true);
    let page = planted.page(&[]);
    let size = fs::metadata(&page).expect("the page").len();
    assert!(size < 2_000_000, "{size} bytes");
    is_valid(&page);
    let (dom, _) = browse(&planted, &page, &planted.screenshot(500));
    assert_eq!(rows(&dom).len(), 500);
}

#[test]
fn the_file_is_replaced_whole_and_no_link_is_followed() {
    needs!(root);
    let planted = Planted::defined("page-file", 1, false);
    let directory = planted.scratch().directory_of_abc("www");
    let page = directory.join("status.html");
    let victim = planted.scratch().write("victim", "not to be changed\n", 0o644);
    for make in [
        (|_, _| ()) as fn(&Path, &Path),
        |page, victim| std::os::unix::fs::symlink(victim, page).expect("a link"),
        |page, victim| fs::hard_link(victim, page).expect("a link"),
        |page, _| nix::unistd::mkfifo(page, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO"),
    ] {
        let _ = fs::remove_file(&page);
        make(&page, &victim);
        let output =
            finish(&mut planted.futo(&["status", "--html", "--output", page.to_str().expect("UTF-8")]));
        assert_eq!((code(&output), stdout(&output).as_str()), (0, ""), "{}", stderr(&output));
        assert!(read(&page).starts_with("<!DOCTYPE html>"), "{}", read(&page));
        assert!(rights(&page).contains("644"), "{}", rights(&page));
        assert_eq!(read(&victim), "not to be changed\n");
        assert_eq!(names_in(&directory), ["status.html"]);
    }
    // a directory that abc made a link of
    let elsewhere = planted.scratch().join("elsewhere");
    fs::create_dir(&elsewhere).expect("a directory");
    let link = directory.join("link");
    std::os::unix::fs::symlink(&elsewhere, &link).expect("a link");
    nix::unistd::fchownat(
        nix::fcntl::AT_FDCWD,
        &link,
        Some(911.into()),
        None,
        nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW,
    )
    .expect("abc's");
    let into_link = link.join("status.html");
    let output =
        finish(&mut planted.futo(&["status", "--html", "--output", into_link.to_str().expect("UTF-8")]));
    let message = format!(
        "futo: fatal: unable to write '{}': '{}' is a symbolic link\n",
        into_link.display(),
        link.display()
    );
    assert_eq!((code(&output), stderr(&output)), (111, message));
    assert_eq!(names_in(&elsewhere), [""; 0]);

    for (words, message) in [
        (&["--html", "--json"][..], "--html cannot be combined with --json"),
        (&["--refresh", "5"], "--refresh needs --html"),
        (&["--html", "--refresh", "often"], "invalid refresh 'often'"),
        (&["--watch", "--output", "/tmp/x"], "--watch cannot be combined with --output"),
    ] {
        let words: Vec<&str> = ["status"].iter().chain(words).copied().collect();
        let output = finish(&mut planted.futo(&words));
        assert_eq!(code(&output), 100);
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
    }
    let refreshed = stdout(&finish(&mut planted.futo(&["status", "--html", "--refresh", "30s"])));
    assert!(refreshed.contains("<meta http-equiv=\"refresh\" content=\"30\">"));
    set_mode(&directory, 0o755);
    own_by_abc(&directory);
}
