//! For bash, without the package bash-completion.

use std::fmt::Write as _;

use super::values::{Candidates, Kind, of_operands, of_option};
use super::{COMMANDS, PLACES, command_names, launch_options};
use crate::options::OptionRow;

/// Names below a directory come in whole; what begins with a dot only if the word does. Bash takes `--option=value`
/// and `tcp:80` apart at `=` and `:`.
const FUNCTIONS: &str = r#"_futo_services() {
  local run
  for run in PLACES; do [ -e "$run" ] && run=${run%/run} && compgen -W "${run##*/}" -- "$1"; done
}
_futo_paths() {
  local path
  compopt -o filenames 2>/dev/null
  compgen "$1" -- "$2" | while IFS= read -r path; do
    case ${path##*/} in .*) case ${2##*/} in .*) ;; *) continue ;; esac ;; esac
    printf '%s\n' "$path"
  done
}
_futo_option() {
  local previous=${COMP_WORDS[COMP_CWORD-1]}
  word=${COMP_WORDS[COMP_CWORD]}
  if [ "$word" = = ]; then option=$previous word=; return; fi
  if [ "$previous" = = ]; then option=${COMP_WORDS[COMP_CWORD-2]}; return; fi
  option=$previous
}
"#;

pub(super) fn script() -> String {
    let mut script = String::from("# completion of futo and futo-launch for bash\n");
    script.push_str(&FUNCTIONS.replace("PLACES", &PLACES.join(" ")));
    script.push_str("_futo_value() {\n  case $1 in\n");
    values(&mut script, "-", &launch_options());
    for command in COMMANDS {
        values(&mut script, command.name, &command.rows());
    }
    script.push_str("    *) return 1 ;;\n  esac\n}\n");
    let _ = write!(
        script,
        "_futo() {{\n\
         \x20 local word option options=\n\
         \x20 COMPREPLY=()\n\
         \x20 _futo_option\n\
         \x20 if [ \"$COMP_CWORD\" = 1 ]; then\n\
         \x20   mapfile -t COMPREPLY < <(compgen -W '{} --help --version' -- \"$word\")\n\
         \x20   return\n\
         \x20 fi\n\
         \x20 _futo_value \"${{COMP_WORDS[1]}} $option\" \"$word\" && return\n\
         \x20 case ${{COMP_WORDS[1]}} in\n",
        command_names()
    );
    for command in COMMANDS {
        let options = spelled(&command.rows());
        let _ = writeln!(
            script,
            "    {}) options='{options}'; [[ $word == -* ]] || {{ {}; }} ;;",
            command.name,
            generated(&of_operands(command.operands), "$word")
        );
    }
    let _ = write!(
        script,
        "  esac\n\
         \x20 [[ $word == -* ]] && mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n\
         }}\n\
         complete -F _futo futo\n\
         _futo_launch() {{\n\
         \x20 local word option\n\
         \x20 COMPREPLY=()\n\
         \x20 _futo_option\n\
         \x20 _futo_value \"- $option\" \"$word\" && return\n\
         \x20 if [[ $word == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$word\"); return; fi\n\
         \x20 {}\n\
         }}\n\
         complete -F _futo_launch futo-launch\n",
        spelled(&launch_options()),
        generated(&Candidates { words: Vec::new(), kinds: vec![Kind::Programs] }, "$word")
    );
    script
}

fn spelled(options: &[OptionRow<()>]) -> String {
    options.iter().map(|option| format!("--{}", option.long)).collect::<Vec<_>>().join(" ")
}

/// `'new --template') …` for each option with a value.
fn values(script: &mut String, command: &str, options: &[OptionRow<()>]) {
    for option in options {
        if let Some(candidates) = of_option(option) {
            let generated = generated(&candidates, "$2");
            let _ = writeln!(script, "    '{command} --{}') {generated} ;;", option.long);
        }
    }
}

/// What puts them into COMPREPLY.
fn generated(candidates: &Candidates, word: &str) -> String {
    let mut parts: Vec<String> = candidates
        .kinds
        .iter()
        .map(|kind| match kind {
            Kind::Users => format!("compgen -u -- \"{word}\""),
            Kind::Groups => format!("compgen -g -- \"{word}\""),
            Kind::Files => format!("_futo_paths -f \"{word}\""),
            Kind::Directories => format!("_futo_paths -d \"{word}\""),
            Kind::Programs => format!("compgen -c -- \"{word}\"; _futo_paths -f \"{word}\""),
            Kind::Services => format!("_futo_services \"{word}\""),
        })
        .collect();
    if !candidates.words.is_empty() {
        parts.push(format!("compgen -W '{}' -- \"{word}\"", candidates.words.join(" ")));
    }
    match parts.is_empty() {
        true => "COMPREPLY=()".to_string(),
        false => format!("mapfile -t COMPREPLY < <({})", parts.join("; ")),
    }
}
