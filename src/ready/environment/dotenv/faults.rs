//! What is refused in a dotenv file. No text shows a value, and none shows a word that may be a part of one.

/// What is wrong, and how to write it.
pub(super) type Fault = (&'static str, &'static str);

pub(super) const TOO_LONG: Fault =
    ("a value of over 128 KiB", "the kernel passes no longer one: put it in a file");
pub(super) const TOO_MUCH: Fault = ("the values of the file exceed 4 MiB", "put less into it");
pub(super) const TOO_MANY: Fault = ("more than 4096 variables", "is this the file that was meant?");
pub(super) const NOT_UTF_8: Fault = ("a byte that is not UTF-8", "save the file as UTF-8");
pub(super) const UNSET: Fault = (
    "a '$' before a name that is not set",
    "in single quotes a '$' stands for itself; ${NAME:-} is empty where NAME is not set",
);
pub(super) const NOT_TEXT: Fault =
    ("a variable that is not UTF-8", "write the value out, or set it elsewhere");
pub(super) const SET_BEFORE: Fault = (
    "a name without '=' that an earlier line sets",
    "remove one of the two: it stands for the inherited value",
);
pub(super) const UNREADABLE: Fault = ("not a line of the dotenv dialect", "write NAME='value'");
pub(super) const NO_NAME: Fault = ("no name at the beginning of the line", "write NAME='value'");
pub(super) const BAD_NAME: Fault = (
    "not a name and '=' at the beginning of the line",
    "write NAME='value'; a name is letters, digits, '_', '.' and '-', and begins with no digit",
);
pub(super) const COLON: Fault = ("a ':' after the name, and no blank after it", "write NAME=value");
pub(super) const HASH: Fault =
    ("a '#' where the value begins", "put the value in single quotes, or the comment on a line of its own");
pub(super) const HASH_AFTER_TAB: Fault =
    ("a '#' right after a tab", "write a space before the comment, or put the value in single quotes");
pub(super) const AFTER_QUOTE: Fault =
    ("something right after the closing quote", "put the whole value in quotes");
pub(super) const AFTER_QUOTE_BELOW: Fault = (
    "a quote that closes on a later line, with something right after it",
    "close the quote where the value ends",
);
pub(super) const OPEN_QUOTE: Fault = ("a quote that is never closed", "close it where the value ends");
pub(super) const STRAY_CR: Fault = ("a CR that ends no line", "save the file with line ends of LF");
pub(super) const DOLLAR: Fault = ("a '$' that names no variable", "put the value in single quotes");
pub(super) const BRACES: Fault = (
    "a '${' that is neither ${NAME} nor ${NAME:-word} with a plain word",
    "write the value out, or put it in single quotes",
);
pub(super) const JOINED: Fault = ("a letter beyond ASCII right after '$NAME'", "write ${NAME}");
pub(super) const ESCAPE: Fault =
    ("a backslash in double quotes with another meaning elsewhere", "write \\\\, or use single quotes");
pub(super) const NUL: Fault = ("a NUL byte", "remove it: no variable can hold one");
pub(super) const CRLF_IN_QUOTES: Fault =
    ("a line end of CR LF inside quotes", "save the file with line ends of LF, or write \\n");
pub(super) const CONTROL: Fault =
    ("a control character or an unusual blank outside of quotes", "put the value in quotes, or remove it");
pub(super) const BACKSLASH_DOLLAR: Fault =
    ("a backslash before a '$' without quotes", "put the value in single quotes");
