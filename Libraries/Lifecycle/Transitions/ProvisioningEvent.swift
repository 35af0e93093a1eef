/// The event of every transition to `provisioning`, as its statement inserts it.
package enum ProvisioningEvent {
    /// An expression of SQL: `workspace.provisioning`'s data, out of a row's `name`, `tier` and `runtime`.
    /// `Contracts.WorkspaceProvisioning` reads it. Not `json_build_object`, which puts blanks between what it joins.
    package static let data = """
        ('{"name":' || to_json(name)::text || ',"tier":' || tier || ',"runtime":' || to_json(runtime)::text || '}')::json
        """
}
