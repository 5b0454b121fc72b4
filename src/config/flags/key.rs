//! The identity of each option: code matches on these keys, never on a name.

/// An option, by what it requires of the launcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Belongs to the command line only: no key in a file.
    CommandLine(CommandLineOption),
    /// Makes the launcher stay and run the worker in a loop.
    Pace(PaceOption),
    /// Needs the launcher to stay: an error without a [`Key::Pace`] option.
    Loop(LoopOption),
    /// Works in every mode, but some values need a loop.
    Readiness(ReadinessOption),
    /// Works in every mode.
    Launch(LaunchOption),
}

/// Where the settings come from, and what to do instead of launching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the option of the same name")]
pub enum CommandLineOption {
    File,
    Explain,
    ShowValues,
    Help,
    Version,
}

/// When a run follows another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the option of the same name")]
pub enum PaceOption {
    Interval,
    Every,
    Schedule,
    Once,
}

/// What the loop does around its runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the option of the same name")]
pub enum LoopOption {
    InitialDelay,
    Persist,
    MaxLate,
    Splay,
    Timeout,
    Grace,
    StopSignal,
    OnStop,
    OnExit,
    Backoff,
    MaxFailures,
    OnFailure,
    OnSuccess,
    Lock,
    OnLock,
    History,
}

/// When the service is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the option of the same name")]
pub enum ReadinessOption {
    Ready,
    ReadyTimeout,
}

/// What is set up before the worker starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the option of the same name")]
pub enum LaunchOption {
    Name,
    ServiceDir,
    IfEnv,
    IfFile,
    IfCmd,
    WaitFor,
    Before,
    User,
    Groups,
    Home,
    Chdir,
    Mkdir,
    Umask,
    NoNewPrivs,
    CapDrop,
    Ulimit,
    Nice,
    OomScoreAdj,
    KeepFd,
    Env,
    Unset,
    EnvFile,
    Dotenv,
    NoEnvFile,
    EnvDir,
    Default,
    Require,
    Secret,
    ContainerEnv,
    ClearEnv,
    Log,
    LogMode,
    LogSize,
    LogKeep,
    LogGzip,
    LogLive,
    LogStamp,
    LogTee,
    LogFull,
    StateDir,
}
