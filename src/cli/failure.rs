//! How a command ends: the exit codes that scripts rely on, and the sentence that a person reads.

use std::process::ExitCode;

use crate::config;

/// The meaning of an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or healthy.
    Done,
    /// Refused, failed, or what was asked about is degraded.
    Refused,
    /// The command line or the configuration is wrong.
    Usage,
    /// Not observed in time, or no verdict possible.
    NotObserved,
    /// A needed source never answered.
    Unreachable,
    /// A signal of this number ended it.
    Signal(u8),
}

impl Exit {
    /// The number that the shell sees.
    pub fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Usage => 2,
            Self::NotObserved => 3,
            Self::Unreachable => 4,
            // As shells say it.
            Self::Signal(number) => 128 | number,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

/// Why a command did not do what was asked: a sentence that says what happened, to what, and what to do now.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It was refused, or it failed.
    #[error("{0}")]
    Refused(String),
    /// It was asked for in the wrong way.
    #[error("{0}")]
    Usage(String),
    /// It was not seen in time.
    #[error("{0}")]
    NotObserved(String),
    /// A needed source did not answer.
    #[error("{0}")]
    Unreachable(String),
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The answer could not be written.
    #[error("The answer could not be written: {0}.")]
    Output(#[from] std::io::Error),
}

impl Failure {
    /// The exit code. A reader that went away (`pilothouse status | head`) has what it wanted: that is success.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Exit::Done,
            Self::Refused(_) | Self::Output(_) => Exit::Refused,
            Self::Usage(_) | Self::Config(_) => Exit::Usage,
            Self::NotObserved(_) => Exit::NotObserved,
            Self::Unreachable(_) => Exit::Unreachable,
        }
    }

    /// Whether a person should read it.
    pub fn is_silent(&self) -> bool {
        self.exit() == Exit::Done
    }
}
