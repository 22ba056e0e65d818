//! How many rows each section of a screen gets.

/// Shares `room` rows among sections that want so many each: each gets its least first, in their order,
/// then one row after the other goes round.
#[must_use]
pub fn share(room: usize, sections: &[(usize, usize)]) -> Vec<usize> {
    let mut left = room;
    let mut given: Vec<usize> = sections
        .iter()
        .map(|&(least, wanted)| {
            let rows = least.min(wanted).min(left);
            left -= rows;
            rows
        })
        .collect();
    loop {
        let before = left;
        for (rows, (_, wanted)) in given.iter_mut().zip(sections) {
            if left > 0 && *rows < *wanted {
                *rows += 1;
                left -= 1;
            }
        }
        if left == before {
            return given;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn each_section_gets_its_least_and_nobody_more_than_wanted() {
        assert_eq!(share(10, &[(2, 9), (2, 1), (2, 3)]), [6, 1, 3]);
        assert_eq!(share(3, &[(2, 9), (2, 9), (2, 9)]), [2, 1, 0]);
        assert_eq!(share(0, &[(2, 9)]), [0]);
        assert_eq!(share(99, &[(2, 9), (0, 0)]), [9, 0]);
    }
}
