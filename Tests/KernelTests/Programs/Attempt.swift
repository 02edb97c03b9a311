import Foundation
import Testing

/// What a program tries in Python, and what is to become of it under its policy.
struct Attempt: Sendable {
    let name: String
    let text: String
    /// Of the error that it ends with; 0: it works.
    let error: Int32
    /// The same where no policy is.
    let unconfined: Int32
    /// Of the event; nil: there is none.
    let action: String?
    let rule: String?
    /// nil: the action has none that is known beforehand.
    let path: String?

    /// What is granted, or fails by itself.
    init(_ name: String, _ text: String, error: Int32 = 0) {
        self.name = name
        self.text = text
        self.error = error
        unconfined = error
        (action, rule, path) = (nil, nil, nil)
    }

    /// What is denied.
    init(
        _ name: String, _ text: String, _ action: String, by rule: String, _ path: String? = nil,
        error: Int32 = EACCES
    ) {
        self.name = name
        self.text = text
        self.error = error
        unconfined = 0
        self.action = action
        self.rule = rule
        self.path = path
    }

    /// A script that tries one after the other; `results` has then the number of each one's error.
    static func script(_ attempts: [Attempt]) -> String {
        """
        import ctypes, json, os, socket, sys
        libc = ctypes.CDLL(None, use_errno=True)
        def call(result):
            if result < 0: raise OSError(ctypes.get_errno(), "call")
        results = {}

        """
            + attempts.map { attempt in
                """
                try:
                    \(attempt.text)
                    results["\(attempt.name)"] = 0
                except OSError as error:
                    results["\(attempt.name)"] = error.errno

                """
            }.joined()
    }

    /// Checks what a script reports of itself, and what was reported of it.
    static func expect(
        _ attempts: [Attempt], in results: [String: Any], isConfined: Bool = true, denials: [Event] = [],
        policy: String, cgroup: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for attempt in attempts {
            let error = results[attempt.name] as? Int
            let expected = isConfined ? attempt.error : attempt.unconfined
            #expect(error == Int(expected), "\(attempt.name)", sourceLocation: sourceLocation)
            guard isConfined, let action = attempt.action else { continue }
            let denial = denials.first {
                $0["action"] == action && $0["rule", "id"] == attempt.rule
                    && (attempt.path == nil || $0["object", "path"] == attempt.path)
            }
            #expect(
                denial?["policy", "name"] == policy, "\(attempt.name): \(denials)",
                sourceLocation: sourceLocation)
            // What has ended meanwhile is not asked.
            if denial?["process", "cgroup"] == nil, action == "file.execute" { continue }
            #expect(
                denial?["process", "cgroup"] == cgroup,
                "\(attempt.name): \(denial?.fields as Any)", sourceLocation: sourceLocation)
        }
        if isConfined {
            let expected = attempts.count { $0.action != nil }
            #expect(denials.count == expected, "\(denials)", sourceLocation: sourceLocation)
        }
    }
}
