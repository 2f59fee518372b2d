//! A number for people.

/// At most two decimals, and no zeros that say nothing.
pub fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_that_say_nothing_are_left_out() {
        assert_eq!([7.5, 20.0, 0.127].map(number), ["7.5", "20", "0.13"]);
    }
}
