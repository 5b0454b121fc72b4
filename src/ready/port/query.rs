//! The questions for both families of addresses to one DNS server, and its answers. The packets are built and read by
//! the crate `domain`; what does not answer a question of this process is ignored.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::str::FromStr;

use domain::base::iana::Rcode;
use domain::base::wire::ParseError;
use domain::base::{Message, MessageBuilder, Name, Rtype};
use domain::rdata::{A, Aaaa};
use nix::errno::Errno;

use super::MAX_ADDRESSES;
use crate::error::reason;
use crate::sys;
use crate::sys::clock::BootTime;

/// The largest message over either protocol.
const MAX_MESSAGE: usize = u16::MAX as usize;

/// What a server knows about a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Its addresses, at most [`MAX_ADDRESSES`].
    Addresses(Vec<IpAddr>),
    /// It exists, without an address.
    NoAddress,
    /// It does not exist.
    NoSuchName,
}

/// Why a server has given no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The system refused the exchange.
    #[error("{}", reason(*.0))]
    System(Errno),
    /// No answer arrived in time.
    #[error("no DNS server has answered")]
    TimedOut,
    /// It reported an error of its own.
    #[error("the DNS server reports a failure")]
    Refused,
    /// What it sent cannot be read, or ends too early.
    #[error("the DNS server has sent no valid answer")]
    Invalid,
    /// The name is too long with its search domain.
    #[error("the name is not valid in DNS")]
    BadName,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match (error.kind(), error.raw_os_error()) {
            (io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut, _) => Failure::TimedOut,
            (_, Some(number)) => Failure::System(Errno::from_raw(number)),
            // the server closed the connection too early
            (_, None) => Failure::Invalid,
        }
    }
}

/// A question, and its answer once it has arrived.
struct Question {
    kind: Rtype,
    packet: Vec<u8>,
    answer: Option<Result<Answer, Failure>>,
}

/// Asks a server for the addresses of both families, by UDP, or by TCP where an answer is truncated.
pub(super) fn ask(name: &str, server: SocketAddr, until: BootTime) -> Result<Answer, Failure> {
    let name = Name::<Vec<u8>>::from_str(name).map_err(|_| Failure::BadName)?;
    let mut questions = Vec::new();
    for kind in [Rtype::A, Rtype::AAAA] {
        let id = sys::random::number().map_err(Failure::System)?;
        questions.push(Question { kind, packet: packet(id, &name, kind)?, answer: None });
    }
    let socket = connected(server)?;
    for question in &questions {
        socket.send(&question.packet)?;
    }
    let mut buffer = vec![0; MAX_MESSAGE];
    while questions.iter().any(|question| question.answer.is_none()) {
        let arrived = wait(until, |left| socket.set_read_timeout(Some(left)))
            .and_then(|()| socket.recv(&mut buffer).map_err(Failure::from));
        let length = match arrived {
            Ok(length) => length,
            // servers exist that answer the first question only
            Err(Failure::TimedOut) if has_addresses(&questions) => break,
            Err(failure) => return Err(failure),
        };
        let bytes = buffer.get(..length).unwrap_or_default();
        let open = questions.iter_mut().filter(|question| question.answer.is_none());
        let Some((question, message)) = open.into_iter().find_map(|question| {
            let message = answering(bytes, &question.packet)?;
            Some((question, message))
        }) else {
            continue;
        };
        question.answer = Some(match message.header().tc() {
            true => ask_by_tcp(&question.packet, question.kind, server, until),
            false => read(&message, question.kind),
        });
    }
    all(questions)
}

/// What both answers come to.
fn all(questions: Vec<Question>) -> Result<Answer, Failure> {
    let mut found = Vec::new();
    let mut best = Ok(Answer::NoSuchName);
    for answer in questions.into_iter().filter_map(|question| question.answer) {
        match answer {
            Ok(Answer::Addresses(addresses)) => found.extend(addresses),
            Ok(Answer::NoSuchName) => {}
            other => best = other,
        }
    }
    if found.is_empty() { best } else { Ok(Answer::Addresses(found)) }
}

fn has_addresses(questions: &[Question]) -> bool {
    questions.iter().any(|question| matches!(question.answer, Some(Ok(Answer::Addresses(_)))))
}

fn packet(id: u16, name: &Name<Vec<u8>>, kind: Rtype) -> Result<Vec<u8>, Failure> {
    let mut builder = MessageBuilder::new_vec();
    builder.header_mut().set_id(id);
    builder.header_mut().set_rd(true);
    let mut question = builder.question();
    question.push((name, kind)).map_err(|_| Failure::BadName)?;
    Ok(question.finish())
}

/// A socket that receives only what this server sends to it. The kernel chooses a random port.
fn connected(server: SocketAddr) -> Result<UdpSocket, Failure> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(server)?;
    Ok(socket)
}

/// Sets a time limit for what follows.
fn wait(until: BootTime, set: impl FnOnce(std::time::Duration) -> io::Result<()>) -> Result<(), Failure> {
    let left = until.since(BootTime::now());
    // zero would be no limit
    if left.is_zero() {
        return Err(Failure::TimedOut);
    }
    Ok(set(left)?)
}

/// The message, if it answers this question: the same number, and the same name, type and class.
fn answering<'b>(bytes: &'b [u8], packet: &[u8]) -> Option<Message<&'b [u8]>> {
    let (message, asked) = (Message::from_octets(bytes).ok()?, Message::from_octets(packet).ok()?);
    let (header, question) = (message.header(), message.sole_question().ok()?);
    let wanted = asked.sole_question().ok()?;
    let matches = header.qr()
        && header.id() == asked.header().id()
        && question.qname() == wanted.qname()
        && question.qtype() == wanted.qtype()
        && question.qclass() == wanted.qclass();
    matches.then_some(message)
}

/// Reads the answer. A record counts if it is about the name, or about what that is an alias of.
fn read(message: &Message<&[u8]>, kind: Rtype) -> Result<Answer, Failure> {
    match message.header().rcode() {
        Rcode::NOERROR => {}
        Rcode::NXDOMAIN => return Ok(Answer::NoSuchName),
        _ => return Err(Failure::Refused),
    }
    let (Some(name), Ok(section)) = (message.canonical_name(), message.answer()) else {
        return Err(Failure::Invalid);
    };
    match kind {
        Rtype::A => collect(section.limit_to_in::<A>().map(|record| {
            let record = record?;
            Ok((record.owner() == &name).then(|| record.data().addr().into()))
        })),
        _ => collect(section.limit_to_in::<Aaaa>().map(|record| {
            let record = record?;
            Ok((record.owner() == &name).then(|| record.data().addr().into()))
        })),
    }
}

/// The addresses of the records, up to the first that is not valid.
fn collect(records: impl Iterator<Item = Result<Option<IpAddr>, ParseError>>) -> Result<Answer, Failure> {
    let mut addresses = Vec::new();
    for address in records {
        match address {
            Ok(address) => addresses.extend(address),
            Err(_) if addresses.is_empty() => return Err(Failure::Invalid),
            Err(_) => break,
        }
        if addresses.len() == MAX_ADDRESSES {
            break;
        }
    }
    Ok(if addresses.is_empty() { Answer::NoAddress } else { Answer::Addresses(addresses) })
}

/// The same question over TCP, where a message follows its length in two bytes.
fn ask_by_tcp(packet: &[u8], kind: Rtype, server: SocketAddr, until: BootTime) -> Result<Answer, Failure> {
    let left = until.since(BootTime::now());
    if left.is_zero() {
        return Err(Failure::TimedOut);
    }
    let mut stream = TcpStream::connect_timeout(&server, left)?;
    let length = u16::try_from(packet.len()).map_err(|_| Failure::BadName)?;
    wait(until, |left| stream.set_write_timeout(Some(left)))?;
    stream.write_all(&[&length.to_be_bytes(), packet].concat())?;
    let mut length = [0; 2];
    fill(&mut length, &mut stream, until)?;
    let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
    fill(&mut bytes, &mut stream, until)?;
    let message = answering(&bytes, packet).ok_or(Failure::Invalid)?;
    read(&message, kind)
}

/// Fills the buffer, however slowly the bytes arrive, but not after `until`.
fn fill(buffer: &mut [u8], stream: &mut TcpStream, until: BootTime) -> Result<(), Failure> {
    let mut filled = 0;
    while let Some(rest @ [_, ..]) = buffer.get_mut(filled..) {
        wait(until, |left| stream.set_read_timeout(Some(left)))?;
        match stream.read(rest) {
            Ok(0) => return Err(Failure::Invalid),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
