//! Update expressions with many attributes.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Update, builders::UpdateBuilder};

/// Attributes to set and to remove, by paths such as `selfieSubmission.progress`.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    sets: Vec<String>,
    removes: Vec<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Changes {
    /// Adds a placeholder for each name, because several are reserved words.
    fn place(&mut self, path: &str) -> String {
        let placeholders = path.split('.').map(|name| {
            let placeholder = format!("#{name}");
            self.names.insert(placeholder.clone(), name.to_owned());
            placeholder
        });
        placeholders.collect::<Vec<_>>().join(".")
    }

    pub(crate) fn set(&mut self, path: &str, value: AttributeValue) {
        let (place, placeholder) = (self.place(path), format!(":{}", self.values.len()));
        self.sets.push(format!("{place} = {placeholder}"));
        self.values.insert(placeholder, value);
    }

    pub(crate) fn remove(&mut self, path: &str) {
        let place = self.place(path);
        self.removes.push(place);
    }

    /// Sets the attribute to this value, or removes it if there is none.
    pub(crate) fn replace(&mut self, path: &str, value: Option<&AttributeValue>) {
        match value {
            Some(value) => self.set(path, value.clone()),
            None => self.remove(path),
        }
    }

    pub(crate) fn into_update(self) -> UpdateBuilder {
        let mut expression = format!("SET {}", self.sets.join(", "));
        if !self.removes.is_empty() {
            expression.push_str(" REMOVE ");
            expression.push_str(&self.removes.join(", "));
        }
        Update::builder()
            .update_expression(expression)
            .set_expression_attribute_names(Some(self.names))
            .set_expression_attribute_values(Some(self.values))
    }
}
