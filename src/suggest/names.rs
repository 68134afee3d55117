//! What a field is about, as its name says: `firstname`, `first_name` and `firstName` are one name, and
//! `address_zip` and `postalCode` mean the same thing.

use crate::value::text::plain_name;

/// What several names mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Concept {
    Email,
    Phone,
    FirstName,
    LastName,
    FullName,
    Company,
    Street,
    Street2,
    City,
    State,
    Zip,
    Country,
    Website,
    Birthday,
    Amount,
    Title,
    Text,
    Due,
    Start,
    End,
    Currency,
    Tags,
}

impl Concept {
    /// Whether it says something of a person or where they live.
    pub fn is_personal(self) -> bool {
        use Concept::*;
        !matches!(self, Amount | Title | Text | Due | Start | End | Currency | Tags)
    }
}

/// The usual names of each, as [`plain_name`] writes them.
const NAMES: &[(Concept, &[&str])] = &[
    (Concept::Email, &["email", "emailaddress", "customeremail", "contactemail"]),
    (Concept::Phone, &["phone", "phonenumber", "mobile", "mobilephone", "telephone", "cellphone"]),
    (Concept::FirstName, &["firstname", "givenname"]),
    (Concept::LastName, &["lastname", "surname", "familyname"]),
    (Concept::FullName, &["name", "fullname", "customername", "contactname"]),
    (Concept::Company, &["company", "companyname", "businessname", "organization", "organisation"]),
    (Concept::Street, &["address", "address1", "addressline1", "line1", "street", "streetaddress"]),
    (Concept::Street2, &["address2", "addressline2", "line2"]),
    (Concept::City, &["city", "addresscity", "town"]),
    (Concept::State, &["state", "addressstate", "province"]),
    (Concept::Zip, &["zip", "zipcode", "addresszip", "postalcode", "postcode"]),
    (Concept::Country, &["country", "addresscountry"]),
    (Concept::Website, &["website", "websiteurl"]),
    (Concept::Birthday, &["dateofbirth", "birthdate", "birthday", "dob"]),
    (Concept::Amount, &["amount", "total", "monetaryvalue"]),
    (Concept::Title, &["title", "subject", "summary"]),
    (
        Concept::Text,
        &["body", "text", "note", "notes", "description", "message", "memo", "content"],
    ),
    (Concept::Due, &["duedate", "dueat", "due", "deadline"]),
    (Concept::Start, &["starttime", "startsat", "startat", "startdate"]),
    (Concept::End, &["endtime", "endsat", "endat", "enddate"]),
    (Concept::Currency, &["currency", "currencycode"]),
    (Concept::Tags, &["tags"]),
];

/// What a name means, where it is one of the usual ones.
pub fn concept(name: &str) -> Option<Concept> {
    let plain = plain_name(name);
    NAMES.iter().find(|(_, names)| names.contains(&plain.as_str())).map(|(concept, _)| *concept)
}

/// What the name of an id is the id of: `contactId`, `contact_id` → `contact`, `pipelineStageId` →
/// `pipeline_stage`. None for a name that is no id's.
pub(super) fn id_of(name: &str) -> Option<String> {
    let mut words: Vec<String> = vec![String::new()];
    for letter in name.chars() {
        let begins = letter.is_uppercase() || !letter.is_alphanumeric();
        if begins && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    match words.pop()?.as_str() {
        "id" if !words.is_empty() => Some(words.join("_")),
        // `assignedTo` holds a user everywhere.
        "to" if words == ["assigned"] => Some("user".to_owned()),
        _ => None,
    }
}

/// `payment_failed` → `payment failed`
pub(super) fn in_words(id: &str) -> String {
    id.replace(['_', '-'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mean_the_same_have_one_meaning() {
        for names in
            [["firstname", "firstName", "first_name"], ["address_zip", "postalCode", "zip"]]
        {
            assert!(concept(names[0]).is_some());
            assert!(names.iter().all(|name| concept(name) == concept(names[0])), "{names:?}");
        }
        assert_eq!(concept("merchant_id"), None);
    }

    #[test]
    fn no_name_has_two_meanings() {
        let mut all: Vec<&str> =
            NAMES.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|name| plain_name(name) == **name));
    }

    #[test]
    fn an_id_says_of_what() {
        for (name, of) in [
            ("contactId", Some("contact")),
            ("contact_id", Some("contact")),
            ("pipelineStageId", Some("pipeline_stage")),
            ("highlevel_contact_id", Some("highlevel_contact")),
            ("assignedTo", Some("user")),
            ("id", None),
            ("paid", None),
            ("_id", None),
        ] {
            assert_eq!(id_of(name).as_deref(), of, "{name}");
        }
    }
}
