//! Time zones by name: a name such as `America/New_York` comes in; the zone's rules go out.

use super::{ValueError, nearest};
use jiff::tz::TimeZone;

/// Short names people write. The database knows some of them (`EST`), but as offsets that never
/// change, which would be an hour wrong all summer: so all are refused, with the zone to write.
const SHORT_NAMES: [(&str, &str); 24] = [
    ("et", "America/New_York"),
    ("est", "America/New_York"),
    ("edt", "America/New_York"),
    ("est5edt", "America/New_York"),
    ("eastern", "America/New_York"),
    ("eastern time", "America/New_York"),
    ("ct", "America/Chicago"),
    ("cst", "America/Chicago"),
    ("cdt", "America/Chicago"),
    ("central", "America/Chicago"),
    ("central time", "America/Chicago"),
    ("mt", "America/Denver"),
    ("mst", "America/Denver (or America/Phoenix, which has no daylight saving time)"),
    ("mdt", "America/Denver"),
    ("mountain", "America/Denver"),
    ("mountain time", "America/Denver"),
    ("pt", "America/Los_Angeles"),
    ("pst", "America/Los_Angeles"),
    ("pdt", "America/Los_Angeles"),
    ("pacific", "America/Los_Angeles"),
    ("pacific time", "America/Los_Angeles"),
    ("akst", "America/Anchorage"),
    ("hst", "Pacific/Honolulu"),
    ("cet", "Europe/Berlin (or another city of the zone)"),
];

/// Finds a zone by its name in the time zone database; capital letters do not matter.
///
/// # Errors
/// No zone has this name, or it is a short name such as `EST` that does not say which rules for
/// daylight saving time hold. The nearest name is suggested.
pub(super) fn find(name: &str) -> Result<TimeZone, ValueError> {
    let name = name.trim();
    let lower = name.to_lowercase();
    if let Some((_, full)) = SHORT_NAMES.iter().find(|(short, _)| *short == lower) {
        return Err(ValueError::new(
            "does not name one time zone (it leaves open when daylight saving time holds)",
            format!("write {full}"),
        ));
    }
    if matches!(lower.as_str(), "utc" | "z" | "gmt") {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).map_err(|_| {
        let instead = match suggestion(&lower) {
            Some(known) => format!("did you mean {known}?"),
            None => "write a name such as America/New_York, Europe/Berlin or UTC".to_owned(),
        };
        ValueError::new("is not a time zone", instead)
    })
}

/// The zone whose whole name, or whose city alone, is most like what was written.
fn suggestion(lower: &str) -> Option<String> {
    let wanted = lower.replace([' ', '-'], "_");
    let wanted_city = city(&wanted).to_owned();
    let names: Vec<String> =
        jiff::tz::db().available().map(|known| known.as_str().to_owned()).collect();
    let whole = names.iter().map(|known| (known.to_lowercase(), known));
    if let Some(same_city) =
        names.iter().find(|known| known.contains('/') && city(&known.to_lowercase()) == wanted_city)
    {
        return Some(same_city.clone());
    }
    nearest(&wanted, whole)
        .or_else(|| {
            let cities = names.iter().map(|known| (city(&known.to_lowercase()).to_owned(), known));
            nearest(&wanted_city, cities)
        })
        .cloned()
}

fn city(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instead(name: &str) -> String {
        find(name).unwrap_err().instead
    }

    #[test]
    fn zones_are_found_whatever_the_capitals() {
        assert_eq!(find("europe/berlin").unwrap().iana_name(), Some("Europe/Berlin"));
        assert_eq!(find(" utc ").unwrap(), TimeZone::UTC);
    }

    #[test]
    fn a_typo_or_a_city_alone_names_the_zone_that_was_meant() {
        assert_eq!(instead("America/New_Yrok"), "did you mean America/New_York?");
        assert_eq!(instead("New York"), "did you mean America/New_York?");
        assert_eq!(instead("US/New York"), "did you mean America/New_York?");
        assert_eq!(instead("berlin"), "did you mean Europe/Berlin?");
        assert_eq!(instead("Los Angles"), "did you mean America/Los_Angeles?");
        assert!(instead("qqqqqqqqqqqqqqqq").starts_with("write a name such as"));
    }

    #[test]
    fn short_names_are_refused_because_they_would_be_wrong_in_summer() {
        assert_eq!(instead("EST"), "write America/New_York");
        assert_eq!(instead("Pacific Time"), "write America/Los_Angeles");
    }
}
