//! A list of choices on its way to a simpler one.

use proptest::strategy::ValueTree;

use crate::case::Case;

/// Simpler lists of choices for one case: shorter, with fewer that are not 0 (a 0 lets whoever moves go
/// on), with smaller ones.
#[derive(Clone, Debug)]
pub(super) struct ChoicesTree {
    /// The simplest case known to fail.
    known: Case,
    /// The case to be tried now.
    current: Case,
    /// Simpler lists than that of `known`, the next one last.
    untried: Option<Vec<Vec<u32>>>,
}

impl ChoicesTree {
    pub(super) fn new(case: Case) -> Self {
        ChoicesTree { known: case.clone(), current: case, untried: None }
    }

    fn advance(&mut self) -> bool {
        let choices = self.known.choices.as_deref().unwrap_or_default();
        let untried = self.untried.get_or_insert_with(|| simpler(choices));
        let next = untried.pop();
        let more = next.is_some();
        self.current = match next {
            Some(choices) => Case { choices: Some(choices), ..self.known.clone() },
            None => self.known.clone(),
        };
        more
    }
}

impl ValueTree for ChoicesTree {
    type Value = Case;

    fn current(&self) -> Case {
        self.current.clone()
    }

    fn simplify(&mut self) -> bool {
        if self.known != self.current {
            self.known = self.current.clone();
            self.untried = None;
        }
        self.advance()
    }

    fn complicate(&mut self) -> bool {
        self.advance()
    }
}

/// Simpler lists, the much simpler ones last; none ends in a 0, which would say nothing.
fn simpler(choices: &[u32]) -> Vec<Vec<u32>> {
    let mut lists: Vec<Vec<u32>> = Vec::new();
    let mut offer = |mut list: Vec<u32>| {
        while list.last() == Some(&0) {
            list.pop();
        }
        if list != choices && !lists.contains(&list) {
            lists.push(list);
        }
    };
    let with = |nth: usize, value: u32| {
        let mut list = choices.to_vec();
        list[nth] = value;
        list
    };
    let chosen: Vec<usize> = (0..choices.len()).filter(|&nth| choices[nth] > 0).collect();
    offer(Vec::new());
    for part in [2, 4, 8] {
        offer(choices[..choices.len() - choices.len() / part].to_vec());
    }
    chosen.iter().for_each(|&nth| offer(with(nth, 0)));
    chosen.iter().for_each(|&nth| offer([&choices[..nth], &choices[nth + 1..]].concat()));
    for nth in (0..choices.len()).filter(|&nth| choices[nth] == 0) {
        offer([&choices[..nth], &choices[nth + 1..]].concat());
    }
    chosen.iter().for_each(|&nth| offer(with(nth, choices[nth] - 1)));
    lists.reverse();
    lists
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simpler_lists_are_shorter_or_have_less_in_them() {
        let weight = |list: &[u32]| (list.iter().filter(|&&c| c > 0).count(), list.len(), list.iter().sum());
        let choices = [0, 2, 0, 0, 1, 3];
        let lists = simpler(&choices);
        assert_eq!(lists.last(), Some(&vec![]), "the simplest is tried first");
        for list in &lists {
            let (before, after): ((usize, usize, u32), _) = (weight(&choices), weight(list));
            assert!(after < before, "{list:?}");
            assert_ne!(list.last(), Some(&0));
        }
        assert!(simpler(&[]).is_empty());
    }
}
