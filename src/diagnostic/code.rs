//! The codes: one kebab-case word per mistake, which never changes its meaning.

use std::fmt;

/// How much a diagnostic weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The recipe cannot run.
    Error,
    /// It runs, and most likely not as meant.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

macro_rules! codes {
    ($($name:ident $text:literal $severity:ident,)*) => {
        /// What kind of mistake a diagnostic is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($name,)* }

        impl Code {
            /// Every code, for the test that asks for a case of each.
            pub const ALL: &[Code] = &[$(Code::$name,)*];

            /// The word itself.
            pub fn name(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            pub fn severity(self) -> Severity {
                match self { $(Code::$name => Severity::$severity,)* }
            }
        }
    };
}

codes! {
    // The file.
    UnreadableFile "unreadable-file" Error,
    EmptyFile "empty-file" Error,
    // YAML.
    YamlSyntax "yaml-syntax" Error,
    UnquotedBraces "unquoted-braces" Error,
    ColonInText "colon-in-text" Error,
    HashCutsText "hash-cuts-text" Warning,
    BracketInBraces "bracket-in-braces" Error,
    TabIndent "tab-indent" Error,
    DuplicateKey "duplicate-key" Error,
    TooDeep "too-deep" Error,
    TooManyValues "too-many-values" Error,
    AliasNotAllowed "alias-not-allowed" Error,
    TagNotAllowed "tag-not-allowed" Error,
    SeveralDocuments "several-documents" Error,
    // Shape.
    NotARecipe "not-a-recipe" Error,
    NotAProject "not-a-project" Error,
    NotAnApp "not-an-app" Error,
    AppMistake "app-mistake" Error,
    AppTwice "app-twice" Error,
    UnknownKey "unknown-key" Error,
    MissingKey "missing-key" Error,
    WrongShape "wrong-shape" Error,
    UnknownWord "unknown-word" Error,
    // Steps.
    NoVerb "no-verb" Error,
    SeveralVerbs "several-verbs" Error,
    KeyNotForVerb "key-not-for-verb" Error,
    BadName "bad-name" Error,
    DuplicateId "duplicate-id" Error,
    TooManySteps "too-many-steps" Error,
    BadDuration "bad-duration" Error,
    NeverReached "never-reached" Warning,
    BadWait "bad-wait" Error,
    BadQuestion "bad-question" Error,
    ChoiceUnread "choice-unread" Warning,
    UnreadableUse "unreadable-use" Error,
    UsedRecipe "used-recipe" Error,
    UseCircle "use-circle" Error,
    // Triggers and operations.
    UnknownEvent "unknown-event" Error,
    WireName "wire-name" Warning,
    BridgeEvent "bridge-event" Note,
    KeyNotForTrigger "key-not-for-trigger" Error,
    MixedTriggers "mixed-triggers" Error,
    BadCron "bad-cron" Error,
    BadTimezone "bad-timezone" Error,
    PollWithoutIds "poll-without-ids" Error,
    UnknownOperation "unknown-operation" Error,
    AmbiguousOperation "ambiguous-operation" Error,
    UnsupportedOperation "unsupported-operation" Error,
    DeprecatedOperation "deprecated-operation" Warning,
    UnprotectedOperation "unprotected-operation" Note,
    ListWithoutFind "list-without-find" Note,
    FindNeedsList "find-needs-list" Error,
    CannotLookUp "cannot-look-up" Error,
    CannotReadFirst "cannot-read-first" Error,
    KeyWithoutOther "key-without-other" Error,
    NotCompared "not-compared" Note,
    // Fields.
    MissingField "missing-field" Error,
    UnknownField "unknown-field" Error,
    AmbiguousField "ambiguous-field" Error,
    RefusedField "refused-field" Error,
    WrongType "wrong-type" Error,
    WrongOption "wrong-option" Error,
    WrongForm "wrong-form" Error,
    CannotBeBlanked "cannot-be-blanked" Error,
    EmptyPathValue "empty-path-value" Error,
    ReplacesTags "replaces-tags" Error,
    MayBeEmpty "may-be-empty" Warning,
    // Names in accounts.
    UnknownCustomField "unknown-custom-field" Error,
    AmbiguousName "ambiguous-name" Error,
    RenamedInAccount "renamed-in-account" Warning,
    NoSnapshot "no-snapshot" Error,
    SnapshotUnread "snapshot-unread" Error,
    OldSnapshot "old-snapshot" Note,
    UnknownPick "unknown-pick" Error,
    NotInAccount "not-in-account" Error,
    UncheckedPick "unchecked-pick" Note,
    // Templates.
    BadTemplate "bad-template" Error,
    LooksLikeTemplate "looks-like-template" Warning,
    SpaceAroundTemplate "space-around-template" Warning,
    UnknownName "unknown-name" Error,
    UnknownStep "unknown-step" Error,
    LaterStep "later-step" Error,
    UnknownResult "unknown-result" Error,
    UnknownEventField "unknown-event-field" Error,
    UnknownSetting "unknown-setting" Error,
    NoSuchField "no-such-field" Error,
    ItemOutsideLoop "item-outside-loop" Error,
    NotAList "not-a-list" Error,
    UnknownFilter "unknown-filter" Error,
    FilterInput "filter-input" Error,
    FilterArgument "filter-argument" Error,
    NeverEqual "never-equal" Warning,
    AlwaysHolds "always-holds" Warning,
    UnknownTest "unknown-test" Error,
    UnknownFunction "unknown-function" Error,
    BadJsonPath "bad-jsonpath" Error,
    SavesNothing "saves-nothing" Warning,
    // Links, and what was seen before.
    UnknownKind "unknown-kind" Error,
    BadLink "bad-link" Error,
    NoRecord "no-record" Error,
    // Settings and examples.
    SettingDefault "setting-default" Error,
    UnusedSetting "unused-setting" Warning,
    ExampleEvent "example-event" Error,
    ExampleEventShape "example-event-shape" Warning,
    ExampleNeedsOn "example-needs-on" Error,
    ExampleTime "example-time" Error,
    ExampleRecord "example-record" Error,
    ExampleAnswer "example-answer" Error,
    ExampleSeen "example-seen" Error,
    // The project file.
    SecretInFile "secret-in-file" Error,
    BadAddress "bad-address" Error,
    BadPublicKey "bad-public-key" Error,
    HostNotNamed "host-not-named" Error,
    IncompleteQuota "incomplete-quota" Error,
    UnknownPermission "unknown-permission" Error,
    UnknownScope "unknown-scope" Warning,
    StoredForAnother "stored-for-another" Error,
    VaultUnread "vault-unread" Warning,
    UnknownApp "unknown-app" Error,
    UnknownConnection "unknown-connection" Error,
    WrongConnection "wrong-connection" Error,
    NoConnection "no-connection" Error,
    SeveralConnections "several-connections" Error,
    UnusedConnection "unused-connection" Warning,
    MissingLocation "missing-location" Error,
    DuplicateName "duplicate-name" Error,
    MissingRecipe "missing-recipe" Error,
    MissingSetting "missing-setting" Error,
    NothingArrives "nothing-arrives" Warning,
    AskedInstead "asked-instead" Note,
    FilterNameTaken "filter-name-taken" Error,
    FilterIgnoresValue "filter-ignores-value" Warning,
    FilterNesting "filter-nesting" Error,
    // What connections may do.
    NotAllowed "not-allowed" Error,
    LacksScope "lacks-scope" Error,
    CannotLookAfter "cannot-look-after" Warning,
    // Runs.
    StepFailed "step-failed" Error,
    MayHaveHappened "may-have-happened" Error,
    AsksAPerson "asks-a-person" Note,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
