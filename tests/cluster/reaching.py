"""What a notebook, a worker or a scheduler reaches of a list of (host, port), asked from within it."""

REACH = """
def reach(places):
    import socket
    from concurrent.futures import ThreadPoolExecutor
    def answers(place):
        try:
            socket.create_connection(place, timeout=3).close()
        except OSError:
            return False
        return True
    with ThreadPoolExecutor(20) as pool:
        return [place for place, open in zip(places, pool.map(answers, places)) if open]
"""
