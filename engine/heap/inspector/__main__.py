from engine.heap.inspector.serve import serve

if __name__ == "__main__":
    serve()
