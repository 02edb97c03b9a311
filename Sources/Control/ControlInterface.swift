private import CControlInterface
internal import Policy

/// The interface that the agent serves, and what every service of Varlink does.
enum ControlInterface {
    static let name = "io.swguard.Control"
    static let serviceName = "org.varlink.service"

    /// What a caller must be allowed for a method.
    enum Right {
        /// To see what is enforced: everybody's.
        case read
        /// To change it: root's alone.
        case change
        /// To take something away from oneself.
        case confineOneself
    }

    /// The method whose parameters are no list.
    static let confine = "Confine"

    /// A method of ours.
    struct Method: Sendable {
        var name: String
        var right: Right
        /// The one parameter that it takes, a list of strings that is not empty; nil: none.
        var parameter: String?
        /// What is asked of the agent.
        var request: @Sendable ([String]) -> ControlRequest

        init(
            name: String, right: Right, parameter: String? = nil,
            request: @escaping @Sendable ([String]) -> ControlRequest
        ) {
            self.name = name
            self.right = right
            self.parameter = parameter
            self.request = request
        }
    }

    static let methods = [
        Method(name: "Status", right: .read) { _ in .status },
        Method(name: "Policies", right: .read) { _ in .policies },
        Method(name: "Ps", right: .read) { _ in .processes },
        Method(name: "Load", right: .change, parameter: "files") { .load($0) },
        Method(name: "Unload", right: .change, parameter: "names") { .unload($0) },
        Method(name: "Reload", right: .change) { _ in .reload },
        Method(name: "Rollback", right: .change) { _ in .rollback },
        Method(name: confine, right: .confineOneself) { _ in
            .confine(ConfineRequest(digest: "", policies: nil, isFollowed: false))
        },
    ]

    /// `io.swguard.Control.varlink`.
    static var description: String {
        // It is linked into the program, and has that size.
        let bytes = unsafe UnsafeRawBufferPointer(
            start: swguard_control_interface(), count: swguard_control_interface_size())
        return unsafe String(decoding: bytes, as: UTF8.self)
    }

    /// The description of `org.varlink.service` (https://varlink.org/Service).
    static let serviceDescription = """
        # The Varlink Service Interface is provided by every varlink service. It
        # describes the service and the interfaces it implements.
        interface org.varlink.service

        # Get a list of all the interfaces a service provides and information
        # about the implementation.
        method GetInfo() -> (
          vendor: string,
          product: string,
          version: string,
          url: string,
          interfaces: []string
        )

        # Get the description of an interface that is implemented by this service.
        method GetInterfaceDescription(interface: string) -> (description: string)

        # The requested interface was not found.
        error InterfaceNotFound (interface: string)

        # The requested method was not found
        error MethodNotFound (method: string)

        # The interface defines the requested method, but the service does not
        # implement it.
        error MethodNotImplemented (method: string)

        # One of the passed parameters is invalid.
        error InvalidParameter (parameter: string)

        # Client is denied access
        error PermissionDenied ()

        # Method is expected to be called with 'more' set to true, but wasn't
        error ExpectedMore ()

        """
}
