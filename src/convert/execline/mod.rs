//! Run files for execlineb → statements with their steps: a chain of programs, each with its own words.

mod lexer;

use super::chain;
use super::finding::NotConverted;
use super::recognised::Recognised;
use super::step::{Before, Step};
use super::word::{Otherwise, Piece, Word};
use crate::shell_quote::shell_word;
use lexer::{Token, TokenKind};

/// Reads a script, of which the first line is a comment.
pub(crate) fn read(script: &str) -> Result<Vec<Recognised>, NotConverted> {
    let tokens = lexer::tokens(script)?;
    let mut reader = ChainReader { script, imported: Vec::new() };
    let mut rest = tokens.as_slice();
    let mut found = Vec::new();
    while let Some(first) = rest.first() {
        let programs = programs(rest);
        match reader.one(rest) {
            Ok((steps, after)) => {
                let end = after.first().map_or(script.len(), |token| token.span.start);
                found.push(Recognised {
                    line: first.line,
                    span: first.span.start..end,
                    steps: Ok(steps),
                    programs: programs.clone(),
                });
                rest = after;
            }
            Err(why) => {
                let span = first.span.start..script.len();
                found.push(Recognised { line: first.line, span, steps: Err(why), programs });
                break;
            }
        }
    }
    Ok(found)
}

/// All words that could be programs.
fn programs(tokens: &[Token]) -> Vec<String> {
    tokens
        .iter()
        .flat_map(|token| match &token.kind {
            TokenKind::Word(text) => vec![text.clone()],
            TokenKind::Block(inner) => programs(inner),
        })
        .collect()
}

/// The steps of one program, and the tokens after it.
type One<'t> = Result<(Vec<Step>, &'t [Token]), String>;

struct ChainReader<'s> {
    script: &'s str,
    /// What `${NAME}` is: the name in the script, the variable, and what replaces it.
    imported: Vec<(String, String, Otherwise)>,
}

impl ChainReader<'_> {
    fn one<'t>(&mut self, tokens: &'t [Token]) -> One<'t> {
        let (first, rest) = tokens.split_first().ok_or("nothing to run")?;
        let TokenKind::Word(name) = &first.kind else { return Err("a block without a program".to_string()) };
        match name.rsplit('/').next().unwrap_or_default() {
            "exec" => Ok((Vec::new(), rest)),
            "foreground" => self.before(rest, true),
            "if" => self.before(rest, false),
            "export" => match rest {
                [name, value, after @ ..] => {
                    let name = self.literal(name)?;
                    if self.imported.iter().any(|(_, variable, _)| *variable == name) {
                        return Err("a variable is set after it was imported".to_string());
                    }
                    Ok((vec![Step::Export(name, self.word(value)?)], after))
                }
                _ => Err("'export' without its words".to_string()),
            },
            "unexport" => self.operand(rest).map(|(name, after)| (vec![Step::Unset(name)], after)),
            "cd" => self.operand(rest).map(|(path, after)| (vec![Step::Directory(path)], after)),
            "umask" => self.operand(rest).map(|(mask, after)| (vec![Step::Option("umask", mask)], after)),
            "emptyenv" if !matches!(rest.first().map(|token| &token.kind), Some(TokenKind::Word(word)) if word.starts_with('-')) => {
                Ok((vec![Step::ClearEnv], rest))
            }
            "importas" => self.import(rest).map(|after| (Vec::new(), after)),
            _ => self.other(tokens),
        }
    }

    fn operand<'t>(&self, tokens: &'t [Token]) -> Result<(String, &'t [Token]), String> {
        let (first, rest) = tokens.split_first().ok_or("a program without its argument")?;
        Ok((self.literal(first)?, rest))
    }

    /// A program that shell scripts use too, or the worker.
    fn other<'t>(&self, tokens: &'t [Token]) -> One<'t> {
        let plain = tokens.iter().take_while(|token| matches!(token.kind, TokenKind::Word(_))).count();
        // variables that are imported later are not known yet
        let later = Word { raw: String::new(), pieces: vec![Piece::Opaque] };
        let words: Vec<Word> = tokens
            .iter()
            .take(plain)
            .map(|token| self.word(token).unwrap_or_else(|_| later.clone()))
            .collect();
        if let Some((steps, after)) = chain::one_of(&words)? {
            let taken = words.len() - after.len();
            return Ok((steps, tokens.get(taken..).unwrap_or_default()));
        }
        match plain == tokens.len() {
            true => {
                let words = tokens.iter().map(|token| self.word(token)).collect::<Result<_, String>>()?;
                Ok((vec![Step::Run(words)], &[]))
            }
            false => Err("a program with blocks".to_string()),
        }
    }

    /// `foreground { … }`, `if { … }`
    fn before<'t>(&self, tokens: &'t [Token], ignores_failure: bool) -> One<'t> {
        let [Token { kind: TokenKind::Block(inner), .. }, after @ ..] = tokens else {
            return Err("options of a block program".to_string());
        };
        let words: Vec<Word> = inner.iter().map(|token| self.word(token)).collect::<Result<_, String>>()?;
        let chain = chain::take_apart(&words)?;
        let user = match chain.steps.as_slice() {
            [] => None,
            [Step::User(user)] => Some(user.clone()),
            _ => return Err("a command before the worker with other changes".to_string()),
        };
        let name = chain.program.first().and_then(Word::literal).unwrap_or_default();
        // execline's own programs take blocks and expand words
        if ["foreground", "if", "ifelse", "importas", "backtick", "pipeline", "cd", "export", "redirfd"]
            .contains(&name.as_str())
        {
            return Err("a chain of programs before the worker".to_string());
        }
        let text = chain.program.iter().map(|word| word.raw.as_str()).collect::<Vec<_>>().join(" ");
        let names = chain.program.iter().flat_map(Word::names).map(String::from).collect();
        let mut steps = if ignores_failure { Vec::new() } else { vec![Step::StopOnFailure] };
        let mut programs = programs(inner);
        programs.truncate(1);
        steps.push(Step::Before(Before { text, user, programs, names, ignores_failure }));
        Ok((steps, after))
    }

    /// `importas -i NAME VARIABLE`, `importas -D default NAME VARIABLE`
    fn import<'t>(&mut self, tokens: &'t [Token]) -> Result<&'t [Token], String> {
        let mut rest = tokens;
        let mut otherwise = None;
        loop {
            let (word, after) = self.operand(rest)?;
            rest = after;
            match word.as_str() {
                "-i" => otherwise = Some(Otherwise::Error),
                "-D" => {
                    let (text, after) = self.operand(rest)?;
                    otherwise = Some(Otherwise::IfUnset(text));
                    rest = after;
                }
                option if option.starts_with('-') => return Err(format!("importas {option}")),
                name => {
                    let (variable, after) = self.operand(rest)?;
                    // without either a missing variable removes the word
                    let otherwise = otherwise.ok_or("importas without -i or -D")?;
                    if !crate::env_file::is_name(variable.as_bytes()) {
                        return Err("a variable with this name".to_string());
                    }
                    self.imported.push((name.to_string(), variable, otherwise));
                    return Ok(after);
                }
            }
        }
    }

    fn literal(&self, token: &Token) -> Result<String, String> {
        self.word(token)?.literal().ok_or_else(|| "a word with variables".to_string())
    }

    /// A word, with imported variables in it.
    fn word(&self, token: &Token) -> Result<Word, String> {
        let TokenKind::Word(text) = &token.kind else {
            let line = self.script.get(..token.span.start).unwrap_or_default().lines().count();
            return Err(format!("a block where a word is expected, in line {line}"));
        };
        let (mut raw, mut pieces) = (String::new(), Vec::new());
        let mut rest = text.as_str();
        while let Some((plain, after)) = rest.split_once('$') {
            let inner = after.strip_prefix('{').and_then(|after| after.split_once('}'));
            let found = inner
                .and_then(|(name, rest)| Some((self.imported.iter().rfind(|each| each.0 == name)?, rest)));
            let Some(((_, variable, otherwise), after)) = found else {
                return Err("a substitution that is not an imported variable".to_string());
            };
            if !plain.is_empty() {
                pieces.push(Piece::Text(plain.to_string()));
                raw.push_str(&shell_word(plain));
            }
            raw.push_str(&match otherwise {
                Otherwise::IfUnset(text)
                    if text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:".contains(c)) =>
                {
                    format!("\"${{{variable}-{text}}}\"")
                }
                Otherwise::Error => format!("\"${{{variable}?}}\""),
                _ => return Err("a default with special characters".to_string()),
            });
            pieces.push(Piece::Variable {
                name: variable.clone(),
                otherwise: otherwise.clone(),
                quoted: true,
            });
            rest = after;
        }
        if !rest.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Text(rest.to_string()));
            raw.push_str(&shell_word(rest));
        }
        Ok(Word { raw, pieces })
    }
}
