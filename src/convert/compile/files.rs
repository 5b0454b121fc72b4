//! Files and directories that a run file makes before the start.

use super::{Compiler, Kind, Step};
use crate::convert::prepared::{self, MadeDirectory};

impl Compiler<'_> {
    /// `mkdir`, `touch`, `chown`, `chmod`
    pub(super) fn prepare(&mut self, line: usize, step: &Step) -> Result<(), String> {
        match step {
            Step::Make { path, mode } => {
                let path = self.path(path);
                if self.is_own(&path) && self.is_of_worker(&path) {
                    self.note(line, Kind::LeftOut, "futo-launch creates it");
                    self.prepared.own.push(path);
                } else {
                    self.prepared.directories.push(MadeDirectory {
                        line,
                        path,
                        mode: mode.clone(),
                        owner: None,
                    });
                }
                Ok(())
            }
            Step::Touch(path) => {
                let path = self.path(path);
                if !self.is_log(&path) {
                    return Err("a file is made before the start".to_string());
                }
                self.left_to_launcher(line, &path)
            }
            Step::Owner(owner, path) => {
                let path = self.path(path);
                if self.is_log(&path) || self.prepared.own.contains(&path) {
                    return self.left_to_launcher(line, &path);
                }
                let made = self.prepared.made(&path);
                made.ok_or("the owner of something that the run file does not make")?.owner =
                    Some(owner.clone());
                Ok(())
            }
            Step::Mode(mode, path) => {
                let path = self.path(path);
                if self.is_log(&path) {
                    return self.line.add("log-mode", mode);
                }
                if self.prepared.own.contains(&path) {
                    return self.left_to_launcher(line, &path);
                }
                let made = self.prepared.made(&path);
                made.ok_or("the mode of something that the run file does not make")?.mode =
                    Some(mode.clone());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn left_to_launcher(&mut self, line: usize, path: &str) -> Result<(), String> {
        if !self.is_of_worker(path) {
            return Err("root creates the log in a directory of its own".to_string());
        }
        self.note(line, Kind::LeftOut, "futo-launch creates it as the worker's user");
        Ok(())
    }

    fn is_log(&self, path: &str) -> bool {
        self.log.as_ref().is_some_and(|log| self.path(log) == path)
    }

    /// Whether the launcher creates it anyway.
    fn is_own(&self, path: &str) -> bool {
        let log = self.log.as_ref().map(|log| self.path(log));
        prepared::is_own(path, log.as_deref())
    }

    /// Whether the worker's user can create it: where root is the worker, in the directories of abc, and in those made
    /// for that user.
    fn is_of_worker(&self, path: &str) -> bool {
        let is_made =
            |made: &MadeDirectory| made.owner.is_some() && path.starts_with(&format!("{}/", made.path));
        self.final_user.is_none()
            || !path.starts_with('/')
            || ["/config/", "/tmp/"].iter().any(|above| path.starts_with(above))
            || self.prepared.directories.iter().any(is_made)
    }

    /// Where output that goes to a file of root would fail.
    pub(super) fn note_log(&mut self, line: usize, path: &str) {
        if !self.is_of_worker(path) {
            self.note(
                line,
                Kind::Note,
                "the log is opened as the worker's user, who must be able to create it",
            );
        }
    }

    /// Directories become `--mkdir`, with the worker's user as their owner.
    pub(super) fn make_directories(&mut self) -> Result<(), (usize, String)> {
        for made in std::mem::take(&mut self.prepared.directories) {
            let MadeDirectory { line, path, mode, owner } = made;
            let user = self
                .final_user
                .as_ref()
                .map(|user| user.name.split(':').next().unwrap_or_default().to_string());
            let owner_name =
                owner.as_ref().map(|owner| owner.split([':', '.']).next().unwrap_or_default().to_string());
            if owner_name != user && !(owner_name.is_none() && self.user.is_none()) {
                return Err((line, format!("'{path}' would belong to another user than the worker's")));
            }
            let value = mode.map_or(path.clone(), |mode| format!("{path}:{mode}"));
            self.line.add("mkdir", &value).map_err(|why| (line, why))?;
            self.note(line, Kind::Note, "a directory that exists keeps its owner and mode");
        }
        Ok(())
    }
}
