//! The name that was probably meant.

/// The nearest of the known names, when one is near.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let name = name.to_lowercase().replace('-', "_");
    known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(&name, known), known))
        .filter(|(distance, known)| *distance <= known.len().max(name.len()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known.to_owned())
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let known = ["convert", "transform", "filter", "optimize"];
        assert_eq!(nearest("optimise", known).as_deref(), Some("optimize"));
        assert_eq!(nearest("Transfrom", known).as_deref(), Some("transform"));
        assert_eq!(nearest("filters", known).as_deref(), Some("filter"));
        assert_eq!(nearest("pipe", known), None);
        assert_eq!(nearest("", known), None);
    }
}
