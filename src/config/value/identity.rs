//! `--user` and `--groups`, as written; the plan looks them up.

use crate::invalid::Invalid;

/// A group, by name or number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupRequest {
    /// To be looked up.
    Name(String),
    /// Taken as it is.
    Gid(u32),
}

/// `--user`: all digits is a number, everything else a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserRequest {
    /// `NAME` or `NAME:GROUP`
    Name(String, Option<GroupRequest>),
    /// `UID` or `UID:GID`
    Uid(u32, Option<GroupRequest>),
}

impl UserRequest {
    /// Whether root is requested by its name or uid, not by another name of uid 0.
    pub fn names_root(&self) -> bool {
        match self {
            UserRequest::Name(name, _) => name == "root",
            UserRequest::Uid(uid, _) => *uid == 0,
        }
    }
}

/// `--groups`: the supplementary groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GroupsRequest {
    /// As initgroups gives them.
    #[default]
    OfUser,
    /// None but the primary group.
    None,
    /// These.
    These(Vec<GroupRequest>),
}

fn number(text: &str, what: &str) -> Result<Option<u32>, Invalid> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    match text.parse() {
        // -1 means "leave as it is" to the system calls
        Ok(u32::MAX) | Err(_) => Err(Invalid::new(format!("the {what} is out of range"))),
        Ok(number) => Ok(Some(number)),
    }
}

fn name(text: &str, what: &str) -> Result<String, Invalid> {
    if text.is_empty() {
        return Err(Invalid::new(format!("the {what} is empty")).hint("use NAME, NAME:GROUP, UID or UID:GID"));
    }
    if text.contains(|c: char| c == ':' || c == ',' || c == '/' || c.is_control() || c.is_whitespace()) {
        return Err(Invalid::new(format!("the {what} contains a character that is not allowed in names")));
    }
    Ok(text.to_string())
}

impl GroupRequest {
    fn parse(text: &str) -> Result<Self, Invalid> {
        Ok(match number(text, "gid")? {
            Some(gid) => GroupRequest::Gid(gid),
            None => GroupRequest::Name(name(text, "group")?),
        })
    }
}

impl UserRequest {
    /// Reads `NAME`, `NAME:GROUP`, `UID` or `UID:GID`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let (user, group) = match text.split_once(':') {
            Some((user, group)) => (user, Some(GroupRequest::parse(group)?)),
            None => (text, None),
        };
        Ok(match number(user, "uid")? {
            Some(uid) => UserRequest::Uid(uid, group),
            None => UserRequest::Name(name(user, "user")?, group),
        })
    }
}

impl GroupsRequest {
    /// Reads `none` or `a,b,1003`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text == "none" {
            return Ok(GroupsRequest::None);
        }
        text.split(',').map(GroupRequest::parse).collect::<Result<_, _>>().map(GroupsRequest::These)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_names_from_numbers() {
        let name = |name: &str| GroupRequest::Name(name.to_string());
        for (text, request) in [
            ("abc", UserRequest::Name("abc".to_string(), None)),
            ("abc:staff", UserRequest::Name("abc".to_string(), Some(name("staff")))),
            ("abc:100", UserRequest::Name("abc".to_string(), Some(GroupRequest::Gid(100)))),
            ("911", UserRequest::Uid(911, None)),
            ("911:911", UserRequest::Uid(911, Some(GroupRequest::Gid(911)))),
            ("4294967294:0", UserRequest::Uid(4_294_967_294, Some(GroupRequest::Gid(0)))),
        ] {
            assert_eq!(UserRequest::parse(text), Ok(request), "{text}");
        }
    }

    #[test]
    fn refuses_minus_one_and_emptiness() {
        for text in
            ["", ":", "abc:", ":abc", "4294967295", "99999999999", "1:4294967295", "a b", "a:b:c", "a/b"]
        {
            assert!(UserRequest::parse(text).is_err(), "{text}");
        }
        assert!(GroupsRequest::parse("").is_err());
        assert!(GroupsRequest::parse("a,,b").is_err());
    }
}
