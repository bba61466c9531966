//! What a ReplicaSet's template carries besides the rollout's own: labels and annotations that go with its role and change
//! with it, and a rule that keeps its pods off stable's machines. None of it makes another revision.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::super::desk::{At, annotation, text};
use super::super::hash;
use super::scene::Scene;
use crate::demo::Resource;

/// The annotation of a ReplicaSet that says which of its template's labels and annotations go with its role.
const EPHEMERAL: &str = "rollout.argoproj.io/ephemeral-metadata";
const PARTS: [&str; 2] = ["labels", "annotations"];
const RULES: [&str; 2] = ["requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"];

/// A ReplicaSet's template as the rollout had it.
pub fn plain(set: &Value) -> Cow<'_, Value> {
    if annotation(set, EPHEMERAL).is_empty() && set["spec"]["template"]["spec"]["affinity"].is_null() {
        return Cow::Borrowed(&set["spec"]["template"]);
    }
    let mut template = set["spec"]["template"].clone();
    let ephemeral: Value = serde_json::from_str(annotation(set, EPHEMERAL)).unwrap_or_default();
    undress(&mut template, &ephemeral);
    remove_rule(&mut template);
    Cow::Owned(template)
}

/// Takes from a template or pod what went with a role.
fn undress(object: &mut Value, ephemeral: &Value) {
    for part in PARTS {
        for key in ephemeral[part].as_object().into_iter().flatten().map(|(key, _)| key) {
            if let Some(map) = object["metadata"][part].as_object_mut() {
                map.remove(key);
            }
        }
    }
}

/// Gives a template or pod what goes with a role.
fn dress(object: &mut Value, ephemeral: &Value) {
    for part in PARTS {
        for (key, value) in ephemeral[part].as_object().into_iter().flatten() {
            if !object["metadata"][part].is_object() {
                object["metadata"][part] = json!({});
            }
            object["metadata"][part][key] = value.clone();
        }
    }
}

/// The rule by which pods keep off the machines of a revision.
fn rule(stable: &str) -> Value {
    let expression = json!({ "key": hash::LABEL, "operator": "In", "values": [stable] });
    json!({ "labelSelector": { "matchExpressions": [expression] }, "topologyKey": "kubernetes.io/hostname" })
}

fn is_injected(term: &Value) -> bool {
    let term = if term["podAffinityTerm"].is_object() { &term["podAffinityTerm"] } else { term };
    let expressions = term["labelSelector"]["matchExpressions"].as_array();
    expressions.is_some_and(|expressions| expressions.iter().any(|expression| expression["key"] == hash::LABEL))
}

/// The revision that an injected rule names.
fn injected(template: &Value) -> Option<&str> {
    let anti = &template["spec"]["affinity"]["podAntiAffinity"];
    let term = { RULES }.iter().flat_map(|kind| anti[*kind].as_array().into_iter().flatten()).find(|term| is_injected(term))?;
    let term = if term["podAffinityTerm"].is_object() { &term["podAffinityTerm"] } else { term };
    let expressions = term["labelSelector"]["matchExpressions"].as_array()?;
    expressions.iter().find(|expression| expression["key"] == hash::LABEL)?["values"][0].as_str()
}

fn remove_rule(template: &mut Value) {
    let Some(affinity) = template["spec"]["affinity"].as_object_mut() else { return };
    let Some(anti) = affinity.get_mut("podAntiAffinity").and_then(Value::as_object_mut) else { return };
    for kind in RULES {
        let Some(terms) = anti.get_mut(kind).and_then(Value::as_array_mut) else { continue };
        terms.retain(|term| !is_injected(term));
        if terms.is_empty() {
            anti.remove(kind);
        }
    }
    if anti.is_empty() {
        affinity.remove("podAntiAffinity");
    }
    if affinity.is_empty()
        && let Some(spec) = template["spec"].as_object_mut()
    {
        spec.remove("affinity");
    }
}

fn add_rule(template: &mut Value, strategy: &Value, stable: &str) {
    let anti = &mut template["spec"]["affinity"]["podAntiAffinity"];
    let mut add = |kind: &str, term: Value| {
        if !anti[kind].is_array() {
            anti[kind] = json!([]);
        }
        anti[kind].as_array_mut().into_iter().for_each(|terms| terms.push(term.clone()));
    };
    let [required, preferred] = RULES;
    if strategy[required].is_object() {
        add(required, rule(stable));
    } else if strategy[preferred].is_object() {
        let weight = strategy[preferred]["weight"].as_i64().unwrap_or(1);
        add(preferred, json!({ "weight": weight, "podAffinityTerm": rule(stable) }));
    }
}

impl Scene<'_, '_> {
    /// Gives the template of a new ReplicaSet the rule that keeps its pods off stable's machines, if the strategy wants one.
    pub fn keep_off_stable(&self, template: &mut Value, hash: &str) {
        remove_rule(template);
        let strategy = &self.spec.strategy;
        let of_canary = strategy.canary.as_ref().and_then(|way| way.anti_affinity.as_ref());
        let wanted = of_canary.or_else(|| strategy.blue_green.as_ref().and_then(|way| way.anti_affinity.as_ref()));
        let stable = &self.before.stable_rs;
        if let Some(wanted) = wanted.filter(|_| !stable.is_empty() && *stable != hash) {
            add_rule(template, wanted, stable);
        }
    }

    /// What the roles bring: (of the new version, of stable).
    fn role_metadata(&self) -> (Value, Value) {
        let strategy = &self.spec.strategy;
        let (new, stable) = match (&strategy.canary, &strategy.blue_green) {
            (Some(way), _) => (&way.canary_metadata, &way.stable_metadata),
            (None, Some(way)) => (&way.preview_metadata, &way.active_metadata),
            (None, None) => (&None, &None),
        };
        (new.clone().unwrap_or_default(), stable.clone().unwrap_or_default())
    }

    /// Brings what templates and pods carry for their role to where it belongs.
    pub fn dress_sets(&mut self) {
        let (of_new, of_stable) = self.role_metadata();
        let settled = self.before.stable_rs.is_empty() || self.before.stable_rs == self.new_hash();
        let Some(new) = self.new else { return };
        self.dress_set(new, if settled { &of_stable } else { &of_new });
        if !settled {
            if let Some(stable) = self.stable {
                self.dress_set(stable, &of_stable);
            }
            for place in self.others() {
                self.dress_set(place, &Value::Null);
            }
        }
        // Once promoted it keeps the rule with which it came, until it is renumbered.
        let stable = &self.before.stable_rs;
        if !settled && injected(&self.sets[new].object["spec"]["template"]).is_some_and(|named| named != *stable) {
            self.renew_rule(new);
        }
    }

    /// Lets the rule of a ReplicaSet name what is stable now.
    pub fn renew_rule(&mut self, place: usize) {
        let (hash, set) = (self.sets[place].hash.clone(), self.sets[place].object.clone());
        let mut template = set["spec"]["template"].clone();
        self.keep_off_stable(&mut template, &hash);
        if template != set["spec"]["template"] {
            let at = self.sets[place].at.clone();
            self.desk.edit(&at, |set| set["spec"]["template"] = template);
            self.reread(place);
        }
    }

    /// Pods that run already change with their ReplicaSet.
    fn dress_set(&mut self, place: usize, wanted: &Value) {
        let wanted: Map<String, Value> = PARTS
            .into_iter()
            .filter_map(|part| Some((part.to_owned(), wanted[part].as_object().filter(|map| !map.is_empty())?.clone().into())))
            .collect();
        let (set, wanted) = (self.sets[place].object.clone(), Value::from(wanted));
        let before: Value = serde_json::from_str(annotation(&set, EPHEMERAL)).unwrap_or_else(|_| json!({}));
        if before == wanted {
            return;
        }
        for pod in self.desk.pods(&set) {
            let at = At::new(Resource::Pod, text(&pod, "namespace"), text(&pod, "name"));
            self.desk.edit(&at, |pod| {
                undress(pod, &before);
                dress(pod, &wanted);
            });
        }
        let at = self.sets[place].at.clone();
        self.desk.edit(&at, |set| {
            undress(&mut set["spec"]["template"], &before);
            dress(&mut set["spec"]["template"], &wanted);
            if wanted.as_object().is_some_and(Map::is_empty) {
                if let Some(notes) = set["metadata"]["annotations"].as_object_mut() {
                    notes.remove(EPHEMERAL);
                }
            } else {
                set["metadata"]["annotations"][EPHEMERAL] = wanted.to_string().into();
            }
        });
        self.reread(place);
    }
}
