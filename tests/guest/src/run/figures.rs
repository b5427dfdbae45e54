//! The guests' measurements: `ratio NAME VALUE` lines as they are, and what follows from two
//! guests. Never a verdict.

/// Prints them.
pub(crate) fn print<'f>(figures: impl Iterator<Item = &'f String> + Clone) {
    for figure in figures.clone() {
        println!("{figure}");
    }
    if let Some(ratio) = growth(figures) {
        println!("ratio guest_numa_32_regions_vs_1 {ratio:.4}");
    }
}

/// The cost of a NUMA node with 32 regions over what it costs with one. The least of the samples:
/// the guests run beside others that may make them slow.
fn growth<'f>(figures: impl Iterator<Item = &'f String> + Clone) -> Option<f64> {
    let value = |name: &str| {
        let mut values = figures
            .clone()
            .filter_map(|figure| figure.strip_prefix(name)?.trim().parse::<f64>().ok());
        values.next()
    };
    Some(value("least guest32_numa ")? / value("least guest1_numa ")?)
}

#[cfg(test)]
mod tests {
    use super::growth;

    #[test]
    fn of_two_guests() {
        let figures = [
            "ns guest1_numa 70",
            "least guest1_numa 50.0",
            "least guest32_numa_x 1",
            "least guest32_numa 60.0",
        ];
        let figures = figures.map(str::to_owned);
        assert_eq!(growth(figures.iter()), Some(1.2));
        assert_eq!(growth(figures[..3].iter()), None);
    }
}
