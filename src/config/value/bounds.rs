//! `--ulimit NAME=SOFT[:HARD]`, in docker's grammar.

use nix::sys::resource::Resource;

use crate::invalid::Invalid;

/// One limit of a resource, in the kernel's unit for it (bytes, seconds, a count).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bound {
    /// At most this much.
    Limited(u64),
    /// No limit (`unlimited`, or docker's `-1`).
    Unlimited,
}

/// The soft and the hard limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// What is enforced.
    pub soft: Bound,
    /// How far the worker may raise the soft limit.
    pub hard: Bound,
}

const RESOURCES: [(&str, Resource); 16] = [
    ("as", Resource::RLIMIT_AS),
    ("core", Resource::RLIMIT_CORE),
    ("cpu", Resource::RLIMIT_CPU),
    ("data", Resource::RLIMIT_DATA),
    ("fsize", Resource::RLIMIT_FSIZE),
    ("locks", Resource::RLIMIT_LOCKS),
    ("memlock", Resource::RLIMIT_MEMLOCK),
    ("msgqueue", Resource::RLIMIT_MSGQUEUE),
    ("nice", Resource::RLIMIT_NICE),
    ("nofile", Resource::RLIMIT_NOFILE),
    ("nproc", Resource::RLIMIT_NPROC),
    ("rss", Resource::RLIMIT_RSS),
    ("rtprio", Resource::RLIMIT_RTPRIO),
    ("rttime", Resource::RLIMIT_RTTIME),
    ("sigpending", Resource::RLIMIT_SIGPENDING),
    ("stack", Resource::RLIMIT_STACK),
];

/// The name of a resource in docker.
pub fn resource_name(resource: Resource) -> &'static str {
    RESOURCES.iter().find(|(_, each)| *each == resource).map_or("?", |(name, _)| name)
}

impl Bound {
    fn parse(text: &str) -> Result<Self, Invalid> {
        match text {
            "unlimited" | "-1" => Ok(Bound::Unlimited),
            _ => text.parse().map(Bound::Limited).map_err(|_| {
                Invalid::new("the limits must be whole numbers or 'unlimited'")
                    .hint("for instance nofile=1024:2048")
            }),
        }
    }

    /// The kernel's form.
    pub fn to_rlim(self) -> nix::sys::resource::rlim_t {
        match self {
            Bound::Limited(number) => number,
            Bound::Unlimited => nix::sys::resource::RLIM_INFINITY,
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Bound::Limited(number) => write!(formatter, "{number}"),
            Bound::Unlimited => formatter.write_str("unlimited"),
        }
    }
}

impl Bounds {
    /// Reads `nofile=1024:2048`; one number sets both limits.
    pub fn parse(text: &str) -> Result<(Resource, Self), Invalid> {
        let form = || Invalid::new("is not NAME=SOFT[:HARD]").hint("for instance nofile=1024:2048");
        let (name, bounds) = text.split_once('=').ok_or_else(form)?;
        let (_, resource) = RESOURCES.iter().find(|(each, _)| *each == name).ok_or_else(|| {
            let names: Vec<&str> = RESOURCES.iter().map(|(name, _)| *name).collect();
            Invalid::new("has an unknown resource name").hint(format!("use one of {}", names.join(", ")))
        })?;
        let (soft, hard) = match bounds.split_once(':') {
            Some((soft, hard)) => (Bound::parse(soft)?, Bound::parse(hard)?),
            None => (Bound::parse(bounds)?, Bound::parse(bounds)?),
        };
        if soft > hard {
            return Err(Invalid::new("the soft limit exceeds the hard limit"));
        }
        Ok((*resource, Bounds { soft, hard }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dockers_grammar() {
        let both = |soft, hard| Bounds { soft, hard };
        assert_eq!(
            Bounds::parse("nofile=1024:2048"),
            Ok((Resource::RLIMIT_NOFILE, both(Bound::Limited(1024), Bound::Limited(2048))))
        );
        assert_eq!(
            Bounds::parse("core=0"),
            Ok((Resource::RLIMIT_CORE, both(Bound::Limited(0), Bound::Limited(0))))
        );
        assert_eq!(
            Bounds::parse("stack=8388608:unlimited"),
            Ok((Resource::RLIMIT_STACK, both(Bound::Limited(8_388_608), Bound::Unlimited)))
        );
        assert_eq!(
            Bounds::parse("memlock=-1:-1"),
            Ok((Resource::RLIMIT_MEMLOCK, both(Bound::Unlimited, Bound::Unlimited)))
        );
    }

    #[test]
    fn refuses_the_rest() {
        for text in
            ["", "nofile", "files=1", "nofile=", "nofile=2:1", "nofile=unlimited:1", "nofile=1k", "=1"]
        {
            assert!(Bounds::parse(text).is_err(), "{text}");
        }
    }
}
