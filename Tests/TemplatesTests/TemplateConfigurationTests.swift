import Testing

@testable import Templates

/// What a `config.yaml` says, and what of it is ignored with a warning.
@Suite struct TemplateConfigurationTests {
    private static let empty = TemplateConfiguration()

    @Test(
        arguments: [
            (
                "runtime: hermes\nmodel: opus\nmax_concurrent_tasks: 3\nruntime_config:\n  model: other\n"
                    + "  provision_timeout_seconds: 1800\n",
                TemplateConfiguration(
                    runtime: "hermes", model: "opus", maxConcurrentTasks: 3, provisionTimeout: .seconds(1800)), 0
            ),
            ("runtime_config: {model: nested}", TemplateConfiguration(model: "nested"), 0),
            ("name: x\nskills: [a, b]", empty, 0), ("", empty, 0), ("# nothing", empty, 0), ("~", empty, 0),
            ("runtime: ''\nmodel: ~\nmax_concurrent_tasks:\nruntime_config:\n", empty, 0),
            ("max_concurrent_tasks: 0", empty, 1), ("max_concurrent_tasks: -1", empty, 1),
            ("max_concurrent_tasks: 99999999999", empty, 1), ("max_concurrent_tasks: '3'", empty, 1),
            ("runtime_config: {provision_timeout_seconds: 0}", empty, 1),
            ("runtime_config: {provision_timeout_seconds: -600}", empty, 1),
            ("runtime_config: {provision_timeout_seconds: soon}", empty, 1),
            ("runtime_config: {provision_timeout_seconds: 999999999}", empty, 1),
            ("runtime_config: {provision_timeout_seconds: [600]}", empty, 1),
            ("runtime_config: text\nruntime: r", TemplateConfiguration(runtime: "r"), 1),
            ("runtime: [a]\nmodel: {b: c}", empty, 2), ("runtime: \"two\\nlines\"", empty, 1),
            ("model: \(String(repeating: "m", count: 101))", empty, 1), ("- a\n- b", empty, 1), ("text", empty, 1),
            ("runtime: [", empty, 1),
            ("runtime: langgraph\nmax_concurrent_tasks: nine", TemplateConfiguration(runtime: "langgraph"), 1),
        ] as [(String, TemplateConfiguration, Int)])
    func `takes what makes sense`(_ text: String, _ expected: TemplateConfiguration, _ warnings: Int) throws {
        let folder = try TemplatesFolder()
        try folder.write("it/config.yaml", text)
        let listing = folder.listing
        #expect(listing.templates == [Template(name: "it", configuration: expected)])
        #expect(listing.warnings.count == warnings, "\(listing.warnings)")
        #expect(listing.warnings.allSatisfy { $0.template == "it" })
    }
}
