//! The addresses of a host: /etc/hosts, and a DNS server that answers well or badly.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use crate::support::{Scratch, eventually_contains, needs, output, path_str, read, stdout};

/// A DNS server on an address of its own, and files that a namespace sees as /etc/hosts and /etc/resolv.conf.
pub struct Dns {
    pub scratch: Scratch,
    child: Child,
}

impl Dns {
    pub fn start(name: &str, address: &str) -> Dns {
        let scratch = Scratch::new(name);
        let log = scratch.join("questions");
        let child = Command::new("python3")
            .args(["-c", include_str!("dns.py"), address, path_str(&log)])
            .stdin(Stdio::null())
            .spawn()
            .expect("python3 starts");
        let dns = Dns { scratch, child };
        eventually_contains(&log, "ready");
        dns.write("hosts", "127.0.0.1 localhost listed\n::1 listed6 # ignored\n");
        let conf = "search cluster.test\noptions timeout:1 attempts:2\n";
        dns.write("resolv.conf", &format!("nameserver {address}\n{conf}"));
        dns
    }

    /// Writes in place: the file is mounted.
    pub fn write(&self, file: &str, text: &str) {
        std::fs::write(self.scratch.join(file), text).expect("written");
    }

    /// The words before a command that sees the files.
    pub fn behind(&self) -> Vec<String> {
        let mount = |file: &str| format!("mount --bind '{}' /etc/{file}", path_str(&self.scratch.join(file)));
        let script = format!("{} && {} && exec \"$@\"", mount("hosts"), mount("resolv.conf"));
        ["unshare", "-m", "sh", "-c", &script, "sh"].map(str::to_string).to_vec()
    }

    /// The line of `--explain` about a port of this host.
    fn explained(&self, endpoint: &str) -> String {
        let words = self.behind();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg(self.scratch.launcher()).current_dir("/");
        command.args(["--explain", "--user", "abc", "--wait-for", &format!("tcp:{endpoint}"), "--", "true"]);
        let page = stdout(&output(&mut command));
        let line = page.lines().find(|line| line.contains("accepts connections"));
        line.unwrap_or_else(|| panic!("{page}")).to_string()
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_host_is_found_in_etc_hosts_and_in_dns_and_the_reason_is_reported_otherwise() {
    needs!(root, "python3", "unshare");
    let dns = Dns::start("wait-names", "127.77.1.1");
    let listeners = ["127.0.0.1:0", "[::1]:0"].map(|address| TcpListener::bind(address).expect("a port"));
    let [port, port6] = listeners.each_ref().map(|listener| listener.local_addr().expect("bound").port());
    for (host, port) in [
        ("127.0.0.1", port),
        ("[::1]", port6),
        ("localhost", port),
        ("LISTED.", port),
        ("listed6", port6),
        // DNS
        ("db", port),
        ("db.", port),
        ("db.example.org", port),
        ("db6", port6),
        ("alias", port),
        ("trunc", port),
        ("many", port),
        // forged answers are ignored, and a server that answers one of two questions is enough
        ("spoof", port),
        ("one", port),
    ] {
        let line = dns.explained(&format!("{host}:{port}"));
        assert!(line.ends_with("(met now)"), "{host}: {line}");
    }
    drop(listeners);
    for (host, why) in [
        ("127.0.0.1", "not met now: connection refused; rests"),
        ("listed", "not met now: 127.0.0.1: connection refused; rests"),
        ("many", "connection refused; rests"),
        ("nx", "not met now: no such host name; rests"),
        ("empty", "the host name has no address"),
        ("other", "the host name has no address"),
        ("chaos", "the host name has no address"),
        ("short", "the DNS server has sent no valid answer"),
        ("fail", "unable to look up the host name: the DNS server reports a failure"),
        ("circle", "the DNS server has sent no valid answer"),
        ("hangup", "the DNS server has sent no valid answer"),
        ("loop", "the DNS server has sent no valid answer"),
        ("silent", "unable to look up the host name: no DNS server has answered"),
        ("drip", "no DNS server has answered"),
        ("garbage", "unable to look up the host name"),
    ] {
        let line = dns.explained(&format!("{host}:{port}"));
        assert!(line.contains(why), "{host}: {line}");
    }
}

#[test]
fn names_are_searched_for_as_resolv_conf_asks() {
    needs!(root, "python3", "unshare");
    let dns = Dns::start("wait-search", "127.77.2.1");
    let asked = |host: &str| {
        let before = read(dns.scratch.join("questions")).len();
        dns.explained(&format!("{host}:80"));
        let questions = read(dns.scratch.join("questions")).split_off(before);
        let of_v4 = questions.lines().filter_map(|line| line.strip_suffix(" 1 udp").map(str::to_string));
        of_v4.collect::<Vec<_>>()
    };
    assert_eq!(asked("nx"), ["nx.cluster.test", "nx"]);
    assert_eq!(asked("nx.org"), ["nx.org", "nx.org.cluster.test"]);
    assert_eq!(asked("nx.org."), ["nx.org"]);
    // a server that does not exist is passed after its timeout, or at once if the system reports that
    let conf =
        "nameserver 127.77.2.9\nnameserver 127.77.2.1\nsearch a.test b.test\noptions ndots:2 timeout:1\n";
    dns.write("resolv.conf", conf);
    assert_eq!(asked("nx.org"), ["nx.org.a.test", "nx.org.b.test", "nx.org"]);
    dns.write("resolv.conf", "");
    assert!(dns.explained("nx:80").contains("unable to look up the host name"));
}
