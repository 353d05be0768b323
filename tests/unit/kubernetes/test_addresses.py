from lumihub.kubernetes.addresses import find_load_balancer, find_node_address, find_node_port


def service(*ports, ingress=()):
    return {"spec": {"ports": list(ports)}, "status": {"loadBalancer": {"ingress": list(ingress)}}}


def test_load_balancers_give_names_or_addresses():
    assert find_load_balancer(service(ingress=[{"ip": "192.0.2.1"}])) == "192.0.2.1"
    assert find_load_balancer(service(ingress=[{"hostname": "lb.example.org", "ip": ""}])) == "lb.example.org"
    assert find_load_balancer(service()) is None
    assert find_load_balancer({"status": {"loadBalancer": {}}}) is None


def test_node_port_of_the_scheme_that_is_served():
    both = service({"name": "http", "nodePort": 30080}, {"name": "https", "nodePort": 30443})
    assert (find_node_port(both, "http"), find_node_port(both, "https")) == (30080, 30443)
    assert find_node_port(service({"name": "http"}), "http") is None


def test_outer_address_of_the_first_node_goes_first():
    nodes = [
        {"status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]}},
        {"status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.2"}]}},
    ]
    assert find_node_address(nodes) == "10.0.0.1"
    nodes[1]["status"]["addresses"].append({"type": "ExternalIP", "address": "192.0.2.2"})
    assert find_node_address(nodes) == "192.0.2.2"
    assert find_node_address([]) is None
