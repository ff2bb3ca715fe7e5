//! What has happened: events as words on the board.

use std::fmt::{self, Write};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU8, AtomicU64};

use super::{Board, COMMANDS, EVENTS};
use crate::cache::Identity;
use crate::case::Step;
use crate::history::{Event, Seen, What};
use crate::schedule::Time;

impl Board {
    /// The virtual clock.
    pub fn now(&self) -> Time {
        Time::from_micros(self.now.load(Relaxed))
    }

    /// Writes one event. What does not fit is counted and dropped; the driver looks.
    pub fn log(&self, event: &Event) {
        let detail = match &event.what {
            What::Note(text) => self.lay_down(format_args!("{text}")),
            _ => 0,
        };
        self.put(encode(event, detail));
    }

    /// Writes what a worker has noted of its step, straight from its words: most histories are never read.
    pub fn log_note(&self, Step { tick, worker, command }: Step, text: fmt::Arguments<'_>) {
        let event = Event { tick, at: self.now(), worker, command, what: What::Note(String::new()) };
        self.put(encode(&event, self.lay_down(text)));
    }

    fn put(&self, [first, second, third]: [u64; 3]) {
        let nth = self.length.fetch_add(1, Relaxed) as usize;
        if let Some(slot) = self.events.get(nth) {
            slot[1].store(second, Relaxed);
            slot[2].store(third, Relaxed);
            slot[0].store(first, Release);
        }
    }

    /// Puts a text on the board, or as much of it as fits, and says where it is.
    fn lay_down(&self, text: fmt::Arguments<'_>) -> u64 {
        let at = self.texts_length.load(Relaxed) as usize;
        let mut room = Room { room: self.texts.get(at..).unwrap_or_default(), length: 0 };
        // An error says that it is full.
        let _ = room.write_fmt(text);
        self.texts_length.store((at + room.length) as u32, Relaxed);
        (at as u64) << 32 | room.length as u64
    }

    fn text(&self, at: usize, length: usize) -> String {
        let bytes = self.texts.get(at..at + length).unwrap_or_default();
        let bytes = bytes.iter().map(|byte| byte.load(Relaxed)).collect();
        String::from_utf8(bytes).unwrap_or_else(|why| String::from_utf8_lossy(why.as_bytes()).into_owned())
    }

    /// How many events were written.
    pub fn length(&self) -> usize {
        self.length.load(Acquire) as usize
    }

    /// Takes the events off the board. Whoever was killed while writing one leaves none.
    pub fn take_events(&self) -> Vec<Event> {
        let slots = &self.events[..self.length().min(EVENTS)];
        slots.iter().filter_map(|slot| self.decode(slot)).collect()
    }

    fn decode(&self, slot: &[AtomicU64; 3]) -> Option<Event> {
        let first = slot[0].swap(0, Acquire);
        let (second, third) = (slot[1].load(Relaxed), slot[2].load(Relaxed));
        let [kind, worker, command, seen, ..] = first.to_le_bytes();
        let what = match kind {
            1 => What::Began,
            2 => What::Locked,
            3 => What::Blocked,
            4 => What::GaveUp,
            5 => What::Wrote,
            6 => What::Read(match seen {
                1 => self.who((second >> 32) as u32, second as u32, (third >> 48) as u32),
                2 => Seen::Torn { bytes: second },
                _ => Seen::Missing,
            }),
            7 => What::Unlocked,
            8 => What::Exited,
            9 => What::Failed(second as i32),
            11 => What::Slept(Time::from_micros(second)),
            12 => What::Stalled,
            13 => What::Crashed,
            14 => What::Refused,
            15 => What::Jumped,
            16 => What::CallFailed,
            10 => What::Note(self.text((second >> 32) as usize, second as u32 as usize)),
            _ => return None,
        };
        Some(Event {
            tick: (first >> 32) as usize,
            at: Time::from_micros(third & TIME_BITS),
            worker: worker.into(),
            command: COMMANDS[usize::from(command) % COMMANDS.len()],
            what,
        })
    }

    /// An identity is a worker of this run when all three of its numbers are.
    fn who(&self, pid: u32, tid: u32, wid: u32) -> Seen {
        let takes_part = (1..=self.workers()).contains(&wid);
        match self.identity(wid) {
            Some(known) if takes_part && known == (Identity { pid, tid, wid }) => Seen::Worker(wid),
            _ => Seen::Stranger { pid, tid, wid },
        }
    }
}

/// The rest of the room for texts.
struct Room<'a> {
    room: &'a [AtomicU8],
    length: usize,
}

impl fmt::Write for Room<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = &self.room[self.length..];
        let mut length = text.len().min(room.len());
        while !text.is_char_boundary(length) {
            length -= 1;
        }
        for (place, byte) in room.iter().zip(text[..length].bytes()) {
            place.store(byte, Relaxed);
        }
        self.length += length;
        if length == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// Eight years of microseconds.
const TIME_BITS: u64 = (1 << 48) - 1;

/// kind, worker, command, seen (8 bits each), tick (32); what belongs to the kind (64); the worker
/// number that was read (16), time (48). `text` says where a note's text was laid down.
fn encode(event: &Event, text: u64) -> [u64; 3] {
    let mut number = 0;
    let (kind, seen, detail) = match event.what {
        What::Began => (1, 0, 0),
        What::Locked => (2, 0, 0),
        What::Blocked => (3, 0, 0),
        What::GaveUp => (4, 0, 0),
        What::Wrote => (5, 0, 0),
        What::Read(Seen::Torn { bytes }) => (6, 2, bytes),
        What::Read(Seen::Missing) => (6, 3, 0),
        What::Read(Seen::Stranger { pid, tid, wid }) => {
            number = u64::from(wid.min(u16::MAX.into()));
            (6, 1, u64::from(pid) << 32 | u64::from(tid))
        }
        What::Read(Seen::Worker(_)) => {
            unreachable!("a reader sees identities, the board knows whose they are")
        }
        What::Unlocked => (7, 0, 0),
        What::Exited => (8, 0, 0),
        What::Failed(errno) => (9, 0, errno as u32 as u64),
        What::Slept(until) => (11, 0, until.as_micros()),
        What::Stalled => (12, 0, 0),
        What::Crashed => (13, 0, 0),
        What::Refused => (14, 0, 0),
        What::Jumped => (15, 0, 0),
        What::CallFailed => (16, 0, 0),
        What::Entered | What::Left | What::Quit(_) | What::Died(_) => {
            unreachable!("of programs that are traced")
        }
        What::Found(_) | What::CheckFailed(_) | What::Struck(_) => {
            unreachable!("of programs that are traced")
        }
        What::Note(_) => (10, 0, text),
    };
    let head = u64::from_le_bytes([kind, event.worker as u8, event.command as u8, seen, 0, 0, 0, 0]);
    [head | (event.tick as u64) << 32, detail, event.at.as_micros().min(TIME_BITS) | number << 48]
}
