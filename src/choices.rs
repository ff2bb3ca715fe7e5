//! Simpler lists of choices: shorter, with fewer that are not 0 (a 0 lets whoever moves go on), with
//! smaller ones.

use crate::case::Case;

/// The case with simpler choices, the much simpler ones first.
pub(crate) fn simpler(case: &Case) -> Vec<Case> {
    let lists = lists(case.choices.as_deref().unwrap_or_default());
    lists.into_iter().map(|choices| Case { choices: Some(choices), ..case.clone() }).collect()
}

/// Simpler lists, the much simpler ones first; none ends in a 0, which would say nothing.
fn lists(choices: &[u32]) -> Vec<Vec<u32>> {
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
    lists
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simpler_lists_are_shorter_or_have_less_in_them() {
        let weight = |list: &[u32]| (list.iter().filter(|&&c| c > 0).count(), list.len(), list.iter().sum());
        let choices = [0, 2, 0, 0, 1, 3];
        let lists = lists(&choices);
        assert_eq!(lists.first(), Some(&vec![]), "the simplest is tried first");
        for list in &lists {
            let (before, after): ((usize, usize, u32), _) = (weight(&choices), weight(list));
            assert!(after < before, "{list:?}");
            assert_ne!(list.last(), Some(&0));
        }
        assert!(super::lists(&[]).is_empty());
    }
}
