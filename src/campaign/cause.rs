//! The cause of a failure in an interleaved run: the two steps whose order decides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::check::{Failure, Reason, Verdict};
use crate::engine::Engine;
use crate::error::Error;
use crate::history::{Event, History, What};
use crate::interleave::{Enabled, Follow, Move, Replay, Scheduler, lane};
use crate::lock::Promise;
use crate::report::law::two_inside;
use crate::schedule::Wid;

/// The most runs that are spent on finding a cause.
const TRIES: u32 = 600;

/// What decides whether an interleaved case fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The order of two steps of different workers: the places in the history of the events that tell of
    /// them. The same case with these two the other way round was run, and passed.
    Order {
        /// The step that comes first where it fails.
        first: usize,
        /// The one that comes later.
        second: usize,
    },
    /// Not the order of any two steps alone.
    NoPair {
        /// How many pairs were turned round.
        tried: u32,
    },
}

/// Finds the cause by trying: each pair of steps of different workers that touch the same thing is run
/// the other way round, those nearest to the failure first, until such a run passes; of what was turned round with
/// that pair, the closest pair that is enough is the cause. Writes and reads of
/// the shared file are not turned round: their order is the failure, not its cause.
///
/// `None` where there is nothing to turn round: a run in order, or one that is not repeated.
///
/// # Errors
/// What [`Engine::explore`] fails with.
pub fn cause(
    engine: &mut dyn Engine,
    case: &Case,
    promise: Promise,
    history: &History,
    failure: &Failure,
) -> Result<Option<Cause>, Error> {
    cause_until(engine, case, promise, history, failure, &|| false)
}

/// The same, for as long as it is not over: then it is as if no pair helped.
///
/// # Errors
/// See [`cause`].
pub(crate) fn cause_until(
    engine: &mut dyn Engine,
    case: &Case,
    promise: Promise,
    history: &History,
    failure: &Failure,
    over: &dyn Fn() -> bool,
) -> Result<Option<Cause>, Error> {
    let Some(choices) = &case.choices else { return Ok(None) };
    let mut replay = Replay::new(choices.clone());
    replay.begin();
    let mut witness = Witness::of(replay);
    let (again, _) = engine.explore(case, &mut witness)?;
    let Some(steps) = told(&witness.moves, &again).filter(|_| again.events == history.events) else {
        return Ok(None);
    };
    let both = two_inside(history, failure.event);
    let until = both.map_or(failure.event, |(_, second)| second);
    let mut trial = Trial { engine, case, promise, history, moves: &witness.moves, steps: &steps, runs: 0 };
    let pairs = candidates(&steps, history, until);
    for (nth, &pair) in pairs.iter().enumerate() {
        if trial.runs >= TRIES || over() {
            return Ok(Some(Cause::NoPair { tried: nth as u32 }));
        }
        if trial.passes(pair, both.is_some())? {
            let (mut first, mut second) = pair;
            for inner in within(&pairs, pair, &steps) {
                if over() {
                    break;
                }
                if trial.passes(inner, both.is_some())? {
                    (first, second) = inner;
                    break;
                }
            }
            let [first, second] = [first, second].map(|nth| steps[nth].event);
            return Ok(Some(Cause::Order { first, second }));
        }
    }
    Ok((!pairs.is_empty()).then_some(Cause::NoPair { tried: pairs.len() as u32 }))
}

/// What it takes to run a case with two steps the other way round.
struct Trial<'a> {
    engine: &'a mut dyn Engine,
    case: &'a Case,
    promise: Promise,
    history: &'a History,
    moves: &'a [Moved],
    steps: &'a [Step],
    runs: u32,
}

impl Trial<'_> {
    /// Does it pass with these two steps the other way round? Only if both were really taken, and `calm`
    /// asks too that no two were inside at once.
    fn passes(&mut self, (first, second): (usize, usize), calm: bool) -> Result<bool, Error> {
        let [one, two] = [&self.steps[first], &self.steps[second]];
        for order in turned_round(self.moves, one.at, two.at) {
            self.runs += 1;
            let mut witness = Witness::of(Follow::new(order));
            let (run, choices) = self.engine.explore(self.case, &mut witness)?;
            let Some(there) = told(&witness.moves, &run) else { continue };
            let place = |step: &Step| {
                let same = |other: &Step| (other.worker, other.nth) == (step.worker, step.nth);
                let at = there.iter().position(same)?;
                let did = [&self.history.events[step.event], &run.events[there[at].event]].map(deed);
                (did[0] == did[1]).then_some(at)
            };
            let turned = place(two).zip(place(one)).is_some_and(|(two, one)| two < one);
            let case = Case { choices: Some(choices), ..self.case.clone() };
            let well = match self.engine.judge(&case, self.promise, &run) {
                Verdict::Pass(_) => true,
                Verdict::Inconclusive { reason } => matches!(reason, Reason::Uncontended { .. }),
                Verdict::Fail(_) => false,
            };
            if turned && well && !(calm && two_inside(&run, run.events.len()).is_some()) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The pairs of the same two workers inside this one, the closest first: to turn the outer pair round
/// turned these round as well.
fn within(pairs: &[(usize, usize)], outer: (usize, usize), steps: &[Step]) -> Vec<(usize, usize)> {
    let who = |(first, second): (usize, usize)| (steps[first].worker, steps[second].worker);
    let inside = |&&pair: &&(usize, usize)| {
        pair != outer && pair.0 >= outer.0 && pair.1 <= outer.1 && who(pair) == who(outer)
    };
    let mut inner: Vec<_> = pairs.iter().filter(inside).copied().collect();
    inner.sort_by_key(|&(first, second)| second - first);
    inner
}

/// Something that was chosen, and what it was about to touch.
type Moved = Enabled;

/// Writes down all that is chosen.
struct Witness<S> {
    inner: S,
    moves: Vec<Moved>,
}

impl<S: Scheduler> Witness<S> {
    fn of(inner: S) -> Self {
        Witness { inner, moves: Vec::new() }
    }
}

impl<S: Scheduler> Scheduler for Witness<S> {
    fn begin(&mut self) -> bool {
        self.moves.clear();
        self.inner.begin()
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        let choice = self.inner.choose(enabled) % enabled.len();
        self.moves.push(enabled[choice].clone());
        choice
    }
}

/// A step, and the event that tells of it.
struct Step {
    /// Its place among the moves.
    at: usize,
    worker: Wid,
    /// How many steps its worker had taken.
    nth: u32,
    moved: Moved,
    event: usize,
}

/// Which event tells of which step; `None` where that is not certain.
fn told(moves: &[Moved], history: &History) -> Option<Vec<Step>> {
    // Who was woken for nothing is chosen twice for one step.
    let mut last: BTreeMap<(Wid, u32), usize> = BTreeMap::new();
    for (at, moved) in moves.iter().enumerate().filter(|(_, moved)| moved.act.is_step()) {
        last.insert((moved.worker, moved.step), at);
    }
    let mut events: BTreeMap<Wid, Vec<usize>> = BTreeMap::new();
    for (nth, event) in history.events.iter().enumerate().filter(|(_, event)| tells_of_step(&event.what)) {
        events.entry(event.worker).or_default().push(nth);
    }
    let mut taken: BTreeMap<Wid, Vec<(usize, Wid, u32)>> = BTreeMap::new();
    for (&(lane, nth), &at) in &last {
        taken.entry(lane::owner(lane)).or_default().push((at, lane, nth));
    }
    let mut steps = Vec::new();
    for (worker, events) in events {
        let mut taken = taken.remove(&worker).unwrap_or_default();
        taken.sort_unstable();
        if taken.len() != events.len() {
            return None;
        }
        let step = |((at, worker, nth), event)| Step { at, worker, nth, moved: moves[at].clone(), event };
        steps.extend(taken.into_iter().zip(events).map(step));
    }
    steps.sort_by_key(|step| step.at);
    Some(steps)
}

/// Is there one such event for each step?
fn tells_of_step(what: &What) -> bool {
    matches!(what, What::Note(_) | What::Wrote | What::Read(_) | What::Left)
}

/// What was done, whatever came of it.
fn deed(event: &Event) -> Option<&str> {
    match &event.what {
        What::Note(note) => {
            let parts = note.split_once("\": ").or_else(|| note.split_once(") = "));
            let parts = parts.or_else(|| note.split_once(": "));
            Some(parts.map_or(note, |(deed, _)| deed))
        }
        _ => None,
    }
}

/// Pairs of steps of a lock, up to this event, whose order matters to somebody: the later first, and last those of
/// which one may touch anything (a folder that is renamed), for it says less.
fn candidates(steps: &[Step], history: &History, until: usize) -> Vec<(usize, usize)> {
    let of_lock =
        |step: &Step| step.event <= until && matches!(history.events[step.event].what, What::Note(_));
    let mut pairs = Vec::new();
    for second in (0..steps.len()).rev().filter(|&nth| of_lock(&steps[nth])) {
        for first in (0..second).rev().filter(|&nth| of_lock(&steps[nth])) {
            let [one, two] = [&steps[first], &steps[second]];
            if lane::owner(one.worker) != lane::owner(two.worker) && one.moved.depends_on(&two.moved) {
                pairs.push((first, second));
            }
        }
    }
    pairs.sort_by_key(|&(first, second)| [first, second].iter().any(|&nth| steps[nth].moved.next.is_empty()));
    pairs
}

/// The moves with `second` before `first`: the later one made earlier, or the earlier one later, with
/// whatever its worker did in between.
fn turned_round(moves: &[Moved], first: usize, second: usize) -> [Vec<Move>; 2] {
    let (before, rest) = moves.split_at(first);
    let (between, after) = rest.split_at(second - first + 1);
    let [one, two] = [moves[first].worker, moves[second].worker];
    let (theirs, others): (Vec<&Moved>, Vec<&Moved>) = between.iter().partition(|moved| moved.worker == two);
    let earlier = before.iter().chain(theirs).chain(others).chain(after);
    let (mine, others): (Vec<&Moved>, Vec<&Moved>) = between.iter().partition(|moved| moved.worker == one);
    let later = before.iter().chain(others).chain(mine).chain(after);
    [
        earlier.map(|moved| (moved.worker, moved.act)).collect(),
        later.map(|moved| (moved.worker, moved.act)).collect(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interleave::Act;
    use crate::schedule::{Command, Time};
    use crate::stage::{Access, Object};

    fn moves(workers: &[Wid]) -> Vec<Moved> {
        let mut taken = [0; 4];
        let step = |&worker: &Wid| {
            taken[worker as usize] += 1;
            let next = vec![Access::Change(Object::memory("lock"))];
            Enabled { worker, act: Act::Step, step: taken[worker as usize] - 1, next }
        };
        workers.iter().map(step).collect()
    }

    fn history(whats: &[(Wid, What)]) -> History {
        let event = |(worker, what): &(Wid, What)| {
            let (worker, what) = (*worker, what.clone());
            Event { tick: 0, at: Time::ZERO, worker, command: Command::Write, what }
        };
        History { events: whats.iter().map(event).collect(), ..History::default() }
    }

    #[test]
    fn two_ways_to_turn_a_pair_round() {
        // The first and the fifth: 2 goes before 1, or 1 after 2; what 3 does stays between or before.
        let [earlier, later] = turned_round(&moves(&[1, 2, 3, 1, 2, 1]), 0, 4);
        assert_eq!(earlier.iter().map(|one| one.0).collect::<Vec<_>>(), [2, 2, 1, 3, 1, 1]);
        assert_eq!(later.iter().map(|one| one.0).collect::<Vec<_>>(), [2, 3, 2, 1, 1, 1]);
    }

    #[test]
    fn each_step_has_its_event_or_nothing_is_said() {
        let note = |text: &str| What::Note(text.to_owned());
        let run = history(&[
            (1, note("look: no")),
            (2, note("look: no")),
            (1, note("make: ok")),
            (1, What::Locked),
        ]);
        let mut moves = moves(&[1, 2, 1]);
        let steps = told(&moves, &run).unwrap();
        assert_eq!(
            steps.iter().map(|step| (step.worker, step.event)).collect::<Vec<_>>(),
            [(1, 0), (2, 1), (1, 2)]
        );
        assert_eq!(candidates(&steps, &run, 3), [(1, 2), (0, 1)]);
        assert_eq!(candidates(&steps, &run, 1), [(0, 1)], "what comes later decides nothing");
        let steps =
            told(&self::moves(&[1, 1, 2, 2]), &history(&[1, 1, 2, 2].map(|w| (w, note("x: y"))))).unwrap();
        let pairs = [(1, 3), (0, 3), (1, 2), (0, 2)];
        assert_eq!(within(&pairs, (0, 3), &steps), [(1, 2), (1, 3), (0, 2)], "the closest first");
        // Woken for nothing: chosen twice, one step.
        moves.insert(1, moves[1].clone());
        assert_eq!(told(&moves, &run).unwrap().len(), 3);
        // A step that may touch anything is no good cause while there is another.
        let whats = [1, 2, 1, 2].map(|worker| (worker, note("x: y")));
        let mut vague = self::moves(&[1, 2, 1, 2]);
        vague[3].next.clear();
        let steps = told(&vague, &history(&whats)).unwrap();
        assert_eq!(candidates(&steps, &history(&whats), 3), [(1, 2), (0, 1), (2, 3), (0, 3)]);
        moves.push(Enabled { step: 2, ..moves[0].clone() });
        assert!(told(&moves, &run).is_none(), "a step without an event");
    }
}
