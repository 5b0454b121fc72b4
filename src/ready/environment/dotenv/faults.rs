//! What is refused in a dotenv file. No message shows a value, or a word that may be part of one.

/// What is wrong, and how to write it.
pub(super) type Fault = (&'static str, &'static str);

pub(super) const TOO_LONG: Fault =
    ("a value longer than 128 KiB", "the kernel does not accept it: put it in a file");
pub(super) const TOO_MUCH: Fault = ("the values in this file exceed 4 MiB", "shorten them");
pub(super) const TOO_MANY: Fault = ("more than 4096 variables", "check that this is the intended file");
pub(super) const NOT_UTF_8: Fault = ("a byte that is not UTF-8", "save the file as UTF-8");
pub(super) const UNSET: Fault = (
    "a '$' before the name of an unset variable",
    "in single quotes '$' is literal; ${NAME:-} is empty if NAME is not set",
);
pub(super) const NOT_TEXT: Fault =
    ("a variable whose value is not UTF-8", "write the value out, or set it elsewhere");
pub(super) const SET_BEFORE: Fault = (
    "a name without '=' that an earlier line already sets",
    "remove one of the two: a name alone means the inherited value",
);
pub(super) const UNREADABLE: Fault = ("not a valid dotenv line", "write NAME='value'");
pub(super) const NO_NAME: Fault = ("no name at the start of the line", "write NAME='value'");
pub(super) const BAD_NAME: Fault = (
    "no name followed by '=' at the start of the line",
    "write NAME='value'; names consist of letters, digits, '_', '.' and '-', and do not start with a digit",
);
pub(super) const COLON: Fault = ("a ':' after the name without a space after it", "write NAME=value");
pub(super) const HASH: Fault = (
    "a '#' at the start of the value",
    "put the value in single quotes, or the comment on a line of its own",
);
pub(super) const HASH_AFTER_TAB: Fault =
    ("a '#' right after a tab", "write a space before the comment, or put the value in single quotes");
pub(super) const AFTER_QUOTE: Fault = ("text right after the closing quote", "put the whole value in quotes");
pub(super) const AFTER_QUOTE_BELOW: Fault =
    ("a quote closed on a later line, with text right after it", "close the quote where the value ends");
pub(super) const OPEN_QUOTE: Fault = ("an unterminated quote", "close it where the value ends");
pub(super) const STRAY_CR: Fault = ("a CR in the middle of a line", "save the file with LF line endings");
pub(super) const DOLLAR: Fault = ("a '$' without a variable name", "put the value in single quotes");
pub(super) const BRACES: Fault = (
    "a '${' that is neither ${NAME} nor ${NAME:-word} with a plain word",
    "write the value out, or put it in single quotes",
);
pub(super) const JOINED: Fault = ("a non-ASCII letter right after '$NAME'", "write ${NAME}");
pub(super) const ESCAPE: Fault =
    ("a backslash in double quotes that other programs read differently", "write \\\\, or use single quotes");
pub(super) const NUL: Fault = ("a NUL byte", "remove it: a variable cannot contain one");
pub(super) const CRLF_IN_QUOTES: Fault =
    ("a CR LF line ending inside quotes", "save the file with LF line endings, or write \\n");
pub(super) const CONTROL: Fault =
    ("a control character or unusual blank outside quotes", "put the value in quotes, or remove it");
pub(super) const BACKSLASH_DOLLAR: Fault =
    ("a backslash before an unquoted '$'", "put the value in single quotes");
