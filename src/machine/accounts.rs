//! /etc/passwd and /etc/group, read without NSS: in a static binary getpwnam would load the host's
//! NSS modules, which can crash it.
//!
//! Malformed lines, and the `+` and `-` lines of NIS, are ignored.

/// An entry in /etc/passwd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswdEntry {
    /// The login name.
    pub name: String,
    /// The uid.
    pub uid: u32,
    /// The gid of the primary group.
    pub gid: u32,
    /// The home directory; can be empty.
    pub home: String,
}

/// The first matching entry in the file, as with getpwnam.
fn find(passwd: &[u8], matches: impl Fn(&str, u32) -> bool) -> Option<PasswdEntry> {
    lines(passwd).find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| is_name(name))?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        if !matches(name, uid) {
            return None;
        }
        let home = fields.nth(1).unwrap_or_default();
        Some(PasswdEntry { name: name.to_string(), uid, gid, home: home.to_string() })
    })
}

/// The entry for this name.
pub fn user_by_name(passwd: &[u8], name: &str) -> Option<PasswdEntry> {
    find(passwd, |each, _| each == name)
}

/// The first entry with this uid.
pub fn user_by_uid(passwd: &[u8], uid: u32) -> Option<PasswdEntry> {
    find(passwd, |_, each| each == uid)
}

/// The gid of the group with this name.
pub fn gid_by_name(group: &[u8], name: &str) -> Option<u32> {
    groups(group).find(|(each, _, _)| *each == name).map(|(_, gid, _)| gid)
}

/// The groups that initgroups sets for `user`: the primary group, then every group that lists the user, in file order,
/// each once.
pub fn groups_of(group: &[u8], user: &str, primary: u32) -> Vec<u32> {
    let mut list = vec![primary];
    for (_, gid, members) in groups(group) {
        if members.split(',').any(|member| member == user) && !list.contains(&gid) {
            list.push(gid);
        }
    }
    list
}

/// Whether a group contains anyone but this user and root, by primary group or by membership. A member without an
/// account counts: it may exist in LDAP, or be added later.
pub fn has_others(passwd: &[u8], group: &[u8], gid: u32, uid: u32) -> bool {
    let is_other = |each: u32| each != uid && each != 0;
    let is_stranger = |member: &str| user_by_name(passwd, member).is_none_or(|account| is_other(account.uid));
    lines(passwd).filter_map(numbers).any(|(each, primary)| primary == gid && is_other(each))
        || groups(group)
            .filter(|(_, each, _)| *each == gid)
            .any(|(_, _, members)| members.split(',').filter(|member| !member.is_empty()).any(is_stranger))
}

/// The uid and primary gid of a line in /etc/passwd.
fn numbers(line: &str) -> Option<(u32, u32)> {
    let mut fields = line.split(':');
    fields.next().filter(|name| is_name(name))?;
    Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
}

fn groups(group: &[u8]) -> impl Iterator<Item = (&str, u32, &str)> {
    lines(group).filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| is_name(name))?;
        let gid = fields.nth(1)?.parse().ok()?;
        Some((name, gid, fields.next().unwrap_or_default()))
    })
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with(['+', '-', '#'])
}

/// The lines that are UTF-8, trimmed as by glibc.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &str> {
    bytes.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok()).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/bash\n+nis::::::\n#old:x:7:7::/:\nbroken:x:abc:1::/:\n\
        short:x:5\nabc:x:911:1000:,,,:/config:/bin/false\nabc:x:1:1::/evil:\n\xff\xfe:x:9:9::/:\ntwin:x:911:5::/t:";
    const GROUP: &[u8] = b"root:x:0:\nabc:x:1000:\nusers:x:100:abc\nvideo:x:44:root,abc\nabcd:x:45:abcd\n\
        again:x:100:abc\nnumberless:x::abc\nprimary:x:1000:abc\n+:::\nlast:x:46:abc";

    #[test]
    fn the_first_valid_line_of_a_name_counts() {
        let abc = user_by_name(PASSWD, "abc").expect("abc is there");
        assert_eq!((abc.uid, abc.gid, abc.home.as_str()), (911, 1000, "/config"));
        assert_eq!(user_by_uid(PASSWD, 911).map(|account| account.name), Some("abc".to_string()));
        for absent in ["broken", "short", "+nis", "#old", "", "ab", "abcd"] {
            assert_eq!(user_by_name(PASSWD, absent), None, "{absent}");
        }
    }

    #[test]
    fn supplementary_groups_are_those_that_list_the_user_each_once() {
        assert_eq!(groups_of(GROUP, "abc", 1000), [1000, 100, 44, 46]);
        assert_eq!(groups_of(GROUP, "nobody", 65534), [65534]);
        assert_eq!(gid_by_name(GROUP, "video"), Some(44));
        assert_eq!(gid_by_name(GROUP, "numberless"), None);
    }

    #[test]
    fn a_group_is_shared_if_anybody_but_the_user_and_root_is_in_it() {
        let passwd = b"root:x:0:0::/:\nabc:x:911:1000::/:\ntwin:x:911:5::/:\nbob:x:912:100::/:";
        for (group, gid, expected) in [
            ("abc:x:1000:", 1000, false),
            ("abc:x:1000:abc,root,twin", 1000, false),
            ("abc:x:1000:bob", 1000, true),
            ("abc:x:1000:\nagain:x:1000:abc,bob", 1000, true),
            ("abc:x:1000:ldap-user", 1000, true),
            ("abc:x:1000:,", 1000, false),
            ("users:x:100:", 100, true),
            ("root:x:0:", 0, false),
            ("root:x:0:bob", 0, true),
            ("", 1000, false),
        ] {
            assert_eq!(has_others(passwd, group.as_bytes(), gid, 911), expected, "{group}");
        }
    }
}
