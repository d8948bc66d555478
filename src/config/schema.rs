//! The JSON schemas of both kinds of configuration file, made from the types.
//!
//! Editors read them to complete keys and to mark errors; `check` walks documents along them, so
//! that there is one description of every key. Judging a document is the business of `check`.

use std::sync::LazyLock;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::{Campaign, Settings};

/// The two kinds of configuration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// `config/rekindle.toml`
    Settings,
    /// `config/campaigns/*.toml`
    Campaign,
}

impl FileKind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::Settings, Self::Campaign];

    /// The file of `config/schema` that describes this kind.
    pub const fn schema_file(self) -> &'static str {
        match self {
            Self::Settings => "settings.json",
            Self::Campaign => "campaign.json",
        }
    }
}

/// The JSON schema (draft 2020-12) of a kind of file.
pub fn schema(kind: FileKind) -> &'static Value {
    static SETTINGS: LazyLock<Value> = LazyLock::new(|| schema_of::<Settings>("rekindle settings"));
    static CAMPAIGN: LazyLock<Value> = LazyLock::new(|| schema_of::<Campaign>("rekindle campaign"));
    match kind {
        FileKind::Settings => &SETTINGS,
        FileKind::Campaign => &CAMPAIGN,
    }
}

/// The text of the schema of a kind of file, as `config/schema` keeps it.
pub fn schema_text(kind: FileKind) -> String {
    format!("{:#}\n", schema(kind))
}

fn schema_of<T: JsonSchema>(title: &str) -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    without_null(&mut schema);
    let mut root = Map::new();
    root.insert("$schema".to_owned(), schema["$schema"].take());
    root.insert("title".to_owned(), title.into());
    if let Value::Object(rest) = schema {
        root.extend(rest.into_iter().filter(|(_, value)| !value.is_null()));
    }
    root.insert("title".to_owned(), title.into());
    Value::Object(root)
}

/// Takes "or null" away: TOML has no null, a key is simply absent.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
                choices.retain(|choice| choice["type"] != "null");
                if let [Value::Object(only)] = choices.as_slice() {
                    let only = only.clone();
                    object.remove("anyOf");
                    for (key, value) in only {
                        object.entry(key).or_insert(value);
                    }
                }
            }
            object.retain(|_, value| !value.is_null());
            for value in object.values_mut() {
                without_null(value);
            }
        }
        Value::Array(values) => {
            values.retain(|value| !value.is_null());
            values.iter_mut().for_each(without_null);
        }
        _ => {}
    }
}

/// A place in a schema.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'s> {
    root: &'s Value,
    here: &'s Value,
}

/// What a schema asks for at a place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind<'s> {
    /// A table with known keys.
    Table(Table<'s>),
    /// A table whose key named `tag` says which of several tables it is.
    Tagged(Tagged<'s>),
    /// A table with free keys, or with keys of a list, and values of one kind.
    Map {
        /// The keys that may stand there; all when absent.
        keys: Option<&'s Vec<Value>>,
        /// What the values are.
        value: Node<'s>,
    },
    /// A list.
    List {
        /// What the elements are.
        item: Node<'s>,
        /// The least number of elements.
        at_least: u64,
    },
    /// A text out of a closed list.
    Words(&'s Vec<Value>),
    /// A text.
    Text {
        /// What the text stands for: `days`, `share`, `url`.
        format: Option<&'s str>,
        /// Whether it may be empty.
        may_be_empty: bool,
    },
    /// A whole number between two bounds, both included.
    Integer(i64, i64),
    /// Yes or no.
    Boolean,
}

/// A table with known keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'s> {
    node: Node<'s>,
    properties: &'s Map<String, Value>,
}

/// One of several tables.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tagged<'s> {
    node: Node<'s>,
    variants: &'s Vec<Value>,
    /// The key that tells them apart.
    pub(super) tag: &'s str,
}

impl<'s> Node<'s> {
    /// The top of a schema.
    pub(super) fn root(schema: &'s Value) -> Self {
        Self {
            root: schema,
            here: schema,
        }
    }

    fn at(self, here: &'s Value) -> Self {
        Self {
            root: self.root,
            here,
        }
    }

    /// What a word or key means, in the words of its documentation.
    pub(super) fn description(self) -> Option<&'s str> {
        self.here["description"].as_str()
    }

    /// The value that holds when the key is absent.
    pub(super) fn default(self) -> Option<&'s Value> {
        self.here.get("default")
    }

    fn resolved(self) -> Self {
        let mut node = self;
        while let Some(target) = node.here["$ref"].as_str() {
            let name = target.trim_start_matches("#/$defs/");
            node = node.at(&self.root["$defs"][name]);
        }
        node
    }

    /// What is asked for here.
    pub(super) fn kind(self) -> Kind<'s> {
        let node = self.resolved();
        let here = node.here;
        if let Some(variants) = here["oneOf"].as_array() {
            return node.choice(variants);
        }
        if let Some(words) = here["enum"].as_array() {
            return Kind::Words(words);
        }
        match here["type"].as_str().unwrap_or_default() {
            "object" => node.object(),
            "array" => Kind::List {
                item: node.at(&here["items"]),
                at_least: here["minItems"].as_u64().unwrap_or(0),
            },
            "integer" => {
                let (low, high) = bounds_of(here["format"].as_str().unwrap_or_default());
                let low = here["minimum"].as_i64().unwrap_or(low).max(low);
                Kind::Integer(low, here["maximum"].as_i64().unwrap_or(high).min(high))
            }
            "boolean" => Kind::Boolean,
            _ => Kind::Text {
                format: here["format"].as_str(),
                may_be_empty: here["minLength"].as_u64().unwrap_or(0) == 0,
            },
        }
    }

    fn choice(self, variants: &'s Vec<Value>) -> Kind<'s> {
        let tag_of = |variant: &'s Value| {
            let properties = variant["properties"].as_object()?;
            let tag = properties
                .iter()
                .find(|(_, value)| value["const"].is_string());
            tag.map(|(key, _)| key.as_str())
        };
        match variants.first().and_then(tag_of) {
            Some(tag) => Kind::Tagged(Tagged {
                node: self,
                variants,
                tag,
            }),
            None => Kind::Words(variants),
        }
    }

    fn object(self) -> Kind<'s> {
        match self.here["properties"].as_object() {
            Some(properties) => Kind::Table(Table {
                node: self,
                properties,
            }),
            None => Kind::Map {
                keys: self.here["propertyNames"]["enum"].as_array(),
                value: self.at(&self.here["additionalProperties"]),
            },
        }
    }
}

impl<'s> Table<'s> {
    /// Every key, in the order of the documentation.
    pub(super) fn keys(self) -> impl Iterator<Item = &'s str> {
        self.properties.keys().map(String::as_str)
    }

    /// What stands under a key.
    pub(super) fn get(self, key: &str) -> Option<Node<'s>> {
        self.properties.get(key).map(|value| self.node.at(value))
    }

    /// The keys that must be there.
    pub(super) fn required(self) -> impl Iterator<Item = &'s str> {
        let keys = self.node.here["required"].as_array();
        keys.into_iter().flatten().filter_map(Value::as_str)
    }
}

impl<'s> Tagged<'s> {
    /// The words of the tag.
    pub(super) fn words(self) -> impl Iterator<Item = &'s str> + Clone {
        let tag = self.tag;
        let words = self.variants.iter();
        words.filter_map(move |variant| variant["properties"][tag]["const"].as_str())
    }

    /// The table that a word stands for.
    pub(super) fn get(self, word: &str) -> Option<Table<'s>> {
        let tag = self.tag;
        let mut variants = self.variants.iter();
        let variant =
            variants.find(|variant| variant["properties"][tag]["const"].as_str() == Some(word))?;
        Some(Table {
            node: self.node.at(variant),
            properties: variant["properties"].as_object()?,
        })
    }
}

/// The words of a [`Kind::Words`].
pub(super) fn words(choices: &[Value]) -> impl Iterator<Item = &str> + Clone {
    let word =
        |choice| -> Option<&str> { Value::as_str(choice).or_else(|| choice["const"].as_str()) };
    choices.iter().filter_map(word)
}

/// The bounds of an integer format.
fn bounds_of(format: &str) -> (i64, i64) {
    match format {
        "uint8" => (0, i64::from(u8::MAX)),
        "uint16" => (0, i64::from(u16::MAX)),
        "uint32" => (0, i64::from(u32::MAX)),
        "int32" => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    }
}
