//! Where the output goes: `--log`.

use super::{Compiler, DEFAULT_USER, Kind, Output, Target};

impl Compiler<'_> {
    /// A redirection of the whole run file, or of its program.
    pub(super) fn output(&mut self, line: usize, output: &Output) -> Result<(), String> {
        let Output { stdout, stderr } = output;
        let target = match (stdout, stderr) {
            (None, Some(Target::SameAsStdout)) => {
                self.note(line, Kind::LeftOut, "stderr joins the log");
                return Ok(());
            }
            (Some(Target::Nowhere), Some(Target::SameAsStdout | Target::Nowhere)) => "none".to_string(),
            (Some(Target::Append(path)), Some(Target::SameAsStdout)) => path.clone(),
            (Some(Target::Append(path)), None) if self.has_stderr_in_stdout() => path.clone(),
            (Some(Target::Append(path)), None) => {
                self.note(line, Kind::Note, "stderr joins the log too");
                path.clone()
            }
            (Some(Target::Append(path)), Some(Target::Append(other))) if path == other => path.clone(),
            (Some(Target::Truncate(path)), None | Some(Target::SameAsStdout)) => {
                self.note(line, Kind::Note, "the log is appended to, not emptied at each start");
                path.clone()
            }
            _ => return Err("stdout and stderr go to different places".to_string()),
        };
        if target == "none" {
            return self.line.add("log", "none");
        }
        let path = self.path(&target);
        let is_default = path == format!("/config/.local/state/futodama/{}.log", self.source.context.name)
            && self.final_user.as_ref().is_none_or(|user| user.name == DEFAULT_USER);
        match is_default {
            true => {
                self.note(line, Kind::LeftOut, "it is the default log");
                Ok(())
            }
            false => {
                self.note(line, Kind::Note, "the log is rotated at 10 MiB (--log-size, --log-keep)");
                self.note_log(line, &path);
                self.line.add("log", &path)
            }
        }
    }

    /// Whether stderr already goes where stdout goes.
    fn has_stderr_in_stdout(&self) -> bool {
        self.findings.iter().any(|each| each.why == "stderr joins the log")
    }
}
