//! Who else writes an object: the tools whose marks it carries.

use super::object::Meta;
use super::release::ManagedBy;

/// The tool that manages an object by the marks it left, the surest first. `app.kubernetes.io/instance` alone is Argo CD's
/// older default; with Helm's own mark beside it, it is Helm's.
pub fn managed_by(meta: &Meta) -> Option<ManagedBy> {
    let is = |tool, name: &str| Some(ManagedBy { tool, name: name.into() });
    if let Some(tracking) = meta.annotation("argocd.argoproj.io/tracking-id") {
        return is("argocd", tracking.split_once(':').map_or(tracking, |(application, _)| application));
    }
    if let Some(name) = meta.label("argocd.argoproj.io/instance") {
        return is("argocd", name);
    }
    for key in ["kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name"] {
        if let Some(name) = meta.label(key).or_else(|| meta.annotation(key)) {
            return is("flux", name);
        }
    }
    if let Some(name) = meta.annotation("meta.helm.sh/release-name") {
        return is("helm", name);
    }
    let instance = meta.label("app.kubernetes.io/instance")?;
    is(if meta.label("app.kubernetes.io/managed-by") == Some("Helm") { "helm" } else { "argocd" }, instance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn marks_name_the_tool() {
        let meta = |labels, annotations| -> Meta {
            serde_json::from_value(json!({"labels": labels, "annotations": annotations})).unwrap()
        };
        let found = |labels, annotations| managed_by(&meta(labels, annotations)).map(|by| (by.tool, by.name.to_string()));
        let none = json!({});
        let tracking = json!({"argocd.argoproj.io/tracking-id": "shop:argoproj.io/Rollout:shop/gateway"});
        assert_eq!(found(none.clone(), tracking), Some(("argocd", "shop".into())));
        assert_eq!(found(json!({"app.kubernetes.io/instance": "gw"}), none.clone()), Some(("argocd", "gw".into())));
        let helm = json!({"app.kubernetes.io/instance": "gw", "app.kubernetes.io/managed-by": "Helm"});
        assert_eq!(found(helm.clone(), none.clone()), Some(("helm", "gw".into())));
        assert_eq!(found(helm, json!({"meta.helm.sh/release-name": "front"})), Some(("helm", "front".into())));
        assert_eq!(found(json!({"kustomize.toolkit.fluxcd.io/name": "apps"}), none.clone()), Some(("flux", "apps".into())));
        assert_eq!(found(none.clone(), none), None);
    }
}
