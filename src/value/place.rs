//! Places: a country or a state as people write it comes in; its two or three letter code goes out.

use super::{ValueError, nearest};
use celes::{Country, LookupTable};

/// Names that are no official name and no alias of the `celes` crate, folded, with their code.
const COUNTRY_NAMES: [(&str, &str); 7] = [
    ("uk", "GB"),
    ("wales", "GB"),
    ("unitedstatesofamericausa", "US"),
    ("unitedstatesus", "US"),
    ("unitedstatesusa", "US"),
    ("uae", "AE"),
    ("curacao", "CW"),
];

/// States, districts, territories and military posts of the United States, then the provinces of
/// Canada. The first name of a code is the one shown in suggestions.
const STATES: [(&str, &str); 79] = [
    ("AL", "Alabama"),
    ("AK", "Alaska"),
    ("AZ", "Arizona"),
    ("AR", "Arkansas"),
    ("CA", "California"),
    ("CO", "Colorado"),
    ("CT", "Connecticut"),
    ("DE", "Delaware"),
    ("DC", "District of Columbia"),
    ("FL", "Florida"),
    ("GA", "Georgia"),
    ("HI", "Hawaii"),
    ("ID", "Idaho"),
    ("IL", "Illinois"),
    ("IN", "Indiana"),
    ("IA", "Iowa"),
    ("KS", "Kansas"),
    ("KY", "Kentucky"),
    ("LA", "Louisiana"),
    ("ME", "Maine"),
    ("MD", "Maryland"),
    ("MA", "Massachusetts"),
    ("MI", "Michigan"),
    ("MN", "Minnesota"),
    ("MS", "Mississippi"),
    ("MO", "Missouri"),
    ("MT", "Montana"),
    ("NE", "Nebraska"),
    ("NV", "Nevada"),
    ("NH", "New Hampshire"),
    ("NJ", "New Jersey"),
    ("NM", "New Mexico"),
    ("NY", "New York"),
    ("NC", "North Carolina"),
    ("ND", "North Dakota"),
    ("OH", "Ohio"),
    ("OK", "Oklahoma"),
    ("OR", "Oregon"),
    ("PA", "Pennsylvania"),
    ("RI", "Rhode Island"),
    ("SC", "South Carolina"),
    ("SD", "South Dakota"),
    ("TN", "Tennessee"),
    ("TX", "Texas"),
    ("UT", "Utah"),
    ("VT", "Vermont"),
    ("VA", "Virginia"),
    ("WA", "Washington"),
    ("WV", "West Virginia"),
    ("WI", "Wisconsin"),
    ("WY", "Wyoming"),
    ("AS", "American Samoa"),
    ("GU", "Guam"),
    ("MP", "Northern Mariana Islands"),
    ("PR", "Puerto Rico"),
    ("VI", "Virgin Islands"),
    ("AA", "Armed Forces Americas"),
    ("AE", "Armed Forces Europe"),
    ("AP", "Armed Forces Pacific"),
    ("AB", "Alberta"),
    ("BC", "British Columbia"),
    ("MB", "Manitoba"),
    ("NB", "New Brunswick"),
    ("NL", "Newfoundland and Labrador"),
    ("NT", "Northwest Territories"),
    ("NS", "Nova Scotia"),
    ("NU", "Nunavut"),
    ("ON", "Ontario"),
    ("PE", "Prince Edward Island"),
    ("QC", "Quebec"),
    ("SK", "Saskatchewan"),
    ("YT", "Yukon"),
    ("DC", "Washington DC"),
    ("VI", "US Virgin Islands"),
    ("NL", "Newfoundland"),
    ("NL", "Labrador"),
    ("PE", "PEI"),
    ("NT", "NWT"),
    ("YT", "Yukon Territory"),
];

/// The code of two capital letters for a country given by code or English name.
///
/// `usa`, `US`, `United States` and `U.S.A.` all give `US`. Capitals, accents, dots and spaces do
/// not matter.
///
/// # Errors
/// No country is called so; the nearest name is suggested.
pub fn country_2(text: &str) -> Result<String, ValueError> {
    country(text).map(|country| country.alpha2.to_owned())
}

/// The code of three capital letters for a country, such as `USA`; reads what [`country_2`] reads.
///
/// # Errors
/// As [`country_2`].
pub fn country_3(text: &str) -> Result<String, ValueError> {
    country(text).map(|country| country.alpha3.to_owned())
}

/// The code of two capital letters for a state of the United States or a province of Canada.
///
/// `Florida`, `fl` and `FL` give `FL`. Capitals, accents, dots and spaces do not matter.
///
/// # Errors
/// No state is called so; the nearest name is suggested.
pub fn state_2(text: &str) -> Result<String, ValueError> {
    let folded = fold(text);
    let known = STATES
        .iter()
        .find(|(code, name)| code.eq_ignore_ascii_case(&folded) || fold(name) == folded);
    if let Some((code, _)) = known {
        return Ok((*code).to_owned());
    }
    let suggestion = nearest(&folded, STATES.iter().map(|state| (fold(state.1), state)));
    let instead = match suggestion {
        Some((code, name)) => format!("did you mean {name} ({code})?"),
        None => "write a state such as FL or Florida".to_owned(),
    };
    let problem = "is not a state of the United States or a province of Canada";
    Err(ValueError::new(problem, instead))
}

fn country(text: &str) -> Result<Country, ValueError> {
    let folded = fold(text);
    let short = folded.strip_prefix("the").unwrap_or(&folded);
    let own = COUNTRY_NAMES.iter().find(|(name, _)| *name == short).map(|(_, code)| *code);
    // Official names come before aliases: celes has "Samoa" as an alias of American Samoa.
    let found = Country::from_alpha2(own.unwrap_or(&folded))
        .or_else(|_| Country::from_alpha3(&folded))
        .or_else(|_| Country::from_name(&folded))
        .or_else(|_| Country::from_alias(short))
        .or_else(|_| Country::from_alpha2(short))
        .or_else(|_| Country::from_name(short))
        .or_else(|_| Country::from_name(format!("the{short}")));
    if let Ok(country) = found {
        return Ok(country);
    }
    let countries = Country::get_countries();
    // celes spells some names with its own key, so names are compared as shown to people too.
    if let Some(country) = countries.iter().find(|country| fold(country.long_name) == folded) {
        return Ok(*country);
    }
    let names = countries.iter().flat_map(|country| {
        let aliases = country.aliases.iter().map(|alias| fold(alias));
        let long_name = fold(country.long_name);
        let name = long_name.strip_prefix("the").unwrap_or(&long_name).to_owned();
        aliases.chain([name]).map(move |name| (name, country)).collect::<Vec<_>>()
    });
    let instead = match nearest(short, names) {
        Some(country) => format!("did you mean {} ({})?", shown(country), country.alpha2),
        None => "write a country such as US or United States".to_owned(),
    };
    Err(ValueError::new("is not a country", instead))
}

/// The name as it stands in a sentence; celes writes `The United States Of America`.
fn shown(country: &Country) -> String {
    let name = country.long_name;
    let name = name.strip_prefix("The ").unwrap_or(name);
    name.replace(" Of ", " of ").replace(" And ", " and ").replace(" The ", " the ")
}

/// Only the letters and digits, lower-case and without accents: `U.S.A.` and `usa` are the same.
fn fold(text: &str) -> String {
    // Longer than any name of a place; what is cut off cannot make a wrong text right.
    let text: String = text.chars().take(100).collect();
    slug::slugify(text.replace('&', " and ")).replace('-', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_known_by_its_codes_and_names() {
        for text in ["usa", "US", "United States", "United States of America", "U.S.A.", " the US "]
        {
            assert_eq!(country_2(text).as_deref(), Ok("US"), "{text}");
            assert_eq!(country_3(text).as_deref(), Ok("USA"), "{text}");
        }
        for (text, code) in [
            ("UK", "GB"),
            ("England", "GB"),
            ("Great Britain", "GB"),
            ("canada", "CA"),
            ("CAN", "CA"),
            ("México", "MX"),
            ("Côte d'Ivoire", "CI"),
            ("South Korea", "KR"),
            ("Viet Nam", "VN"),
            ("Russia", "RU"),
            ("Netherlands", "NL"),
            ("The Netherlands", "NL"),
            ("Samoa", "WS"),
            ("Türkiye", "TR"),
            ("Curaçao", "CW"),
            ("Trinidad & Tobago", "TT"),
            ("Czech Republic", "CZ"),
            ("Réunion", "RE"),
            ("Hong Kong", "HK"),
            ("Puerto Rico", "PR"),
        ] {
            assert_eq!(country_2(text).as_deref(), Ok(code), "{text}");
        }
    }

    #[test]
    fn every_country_is_known_by_its_own_code_and_name() {
        for country in Country::get_countries() {
            for text in [country.alpha2, country.alpha3, country.long_name] {
                assert_eq!(country_2(text).as_deref(), Ok(country.alpha2), "{text}");
            }
        }
    }

    #[test]
    fn an_unknown_country_names_the_nearest() {
        let error = country_2("Untied States").unwrap_err();
        assert_eq!(error.instead, "did you mean United States of America (US)?");
        assert_eq!(country_2("Germny").unwrap_err().instead, "did you mean Germany (DE)?");
        assert!(country_2("").unwrap_err().instead.starts_with("write a country"));
        assert!(country_2("Narnia and Gondor").is_err());
    }

    #[test]
    fn a_state_is_known_by_code_and_name() {
        for (text, code) in [
            ("Florida", "FL"),
            ("FL", "FL"),
            (" fl ", "FL"),
            ("new york", "NY"),
            ("Washington, D.C.", "DC"),
            ("D.C.", "DC"),
            ("Washington", "WA"),
            ("Québec", "QC"),
            ("ontario", "ON"),
            ("Newfoundland & Labrador", "NL"),
            ("P.E.I.", "PE"),
        ] {
            assert_eq!(state_2(text).as_deref(), Ok(code), "{text}");
        }
    }

    #[test]
    fn an_unknown_state_names_the_nearest() {
        assert_eq!(state_2("Flordia").unwrap_err().instead, "did you mean Florida (FL)?");
        assert!(state_2("").unwrap_err().instead.starts_with("write a state"));
        assert!(state_2("XX").is_err() && state_2("Bavaria").is_err());
    }
}
