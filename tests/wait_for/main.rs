//! `--wait-for tcp:`: the worker starts once a port accepts connections, however a name server behaves.

#[path = "../support/mod.rs"]
mod support;

mod names;
mod waits;
