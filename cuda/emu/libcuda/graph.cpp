// Graphs of kernels.
#include "libcuda.h"

namespace gpu {

Table<CUgraph, Graph> graphs;
Table<CUgraphNode, Node> nodes;
Table<CUgraphExec, Executable> executables;

namespace {

// Among the nodes that may run, the one that was added last runs first: a missing edge shows.
std::vector<CUgraphNode> sorted(const Graph &g) {
  std::vector<CUgraphNode> left = g.nodes, result;
  while (!left.empty()) {
    for (size_t i = left.size(); i-- > 0;) {
      bool ready = true;
      for (CUgraphNode before : nodes.find(left[i])->after) {
        for (CUgraphNode l : left) ready = ready && l != before;
      }
      if (!ready) continue;
      result.push_back(left[i]);
      left.erase(left.begin() + long(i));
      break;
    }
  }
  return result;
}

CUresult add_node(CUgraphNode *node, CUgraph graph, const CUgraphNode *after, size_t n, Work work, bool kernel) {
  Graph *g = graphs.find(graph);
  if (!g) return CUDA_ERROR_INVALID_HANDLE;
  for (size_t i = 0; i < n; i++) {
    Node *before = nodes.find(after[i]);
    if (!before || before->graph != graph) return CUDA_ERROR_INVALID_VALUE;
  }
  *node = nodes.add({graph, std::vector<CUgraphNode>(after, after + n), std::move(work), kernel});
  g->nodes.push_back(*node);
  return CUDA_SUCCESS;
}

}  // namespace
}  // namespace gpu

using namespace gpu;

CUresult cuGraphCreate(CUgraph *graph, unsigned) {
  CALL();
  *graph = graphs.add({});
  return CUDA_SUCCESS;
}

CUresult cuGraphDestroy(CUgraph graph) {
  Call call(__func__);
  if (!graphs.remove(graph)) return CUDA_ERROR_INVALID_VALUE;
  nodes.remove_if([graph](Node &n) { return n.graph == graph; });
  return call.after(CUDA_SUCCESS);
}

CUresult cuGraphAddEmptyNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *after, size_t n) {
  CALL();
  return add_node(node, graph, after, n, {}, false);
}

CUresult cuGraphAddKernelNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *after, size_t n, const CUDA_KERNEL_NODE_PARAMS *p) {
  CALL();
  Work w;
  if (CUresult r = make_work(*p, &w)) return r;
  return add_node(node, graph, after, n, std::move(w), true);
}

CUresult cuGraphAddDependencies(CUgraph graph, const CUgraphNode *from, const CUgraphNode *to, size_t n) {
  CALL();
  for (size_t i = 0; i < n; i++) {
    Node *a = nodes.find(from[i]), *b = nodes.find(to[i]);
    // An edge to an earlier node could close a circle; nobody here needs one.
    if (!a || !b || a->graph != graph || b->graph != graph || from[i] >= to[i]) return CUDA_ERROR_INVALID_VALUE;
    b->after.push_back(from[i]);
  }
  return CUDA_SUCCESS;
}

CUresult cuGraphInstantiate(CUgraphExec *exec, CUgraph graph, unsigned long long) {
  CALL();
  CUcontext c;
  if (CUresult r = current(&c)) return r;
  Graph *g = graphs.find(graph);
  if (!g) return CUDA_ERROR_INVALID_VALUE;
  Executable e = {c, sorted(*g), {}};
  for (CUgraphNode n : e.nodes) {
    if (nodes.find(n)->kernel) e.work[n] = nodes.find(n)->work;
  }
  *exec = executables.add(e);
  return CUDA_SUCCESS;
}

CUresult cuGraphExecDestroy(CUgraphExec exec) {
  Call call(__func__);
  return call.after(executables.remove(exec) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE);
}

CUresult cuGraphExecKernelNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS *p) {
  CALL();
  Executable *e = executables.find(exec);
  if (!e || !e->work.count(node)) return CUDA_ERROR_INVALID_VALUE;
  Work w;
  if (CUresult r = make_work(*p, &w)) return r;
  e->work[node] = std::move(w);
  return CUDA_SUCCESS;
}

CUresult cuGraphLaunch(CUgraphExec exec, CUstream stream) {
  CALL();
  if (CUresult r = find_stream(stream, &stream)) return r;
  Executable *e = executables.find(exec);
  if (!e) return CUDA_ERROR_INVALID_VALUE;
  if (e->context != streams.find(stream)->context) {
    say("a graph of one context is launched on a stream of another one");
    return CUDA_ERROR_INVALID_CONTEXT;
  }
  std::vector<Work> all;
  for (CUgraphNode n : e->nodes) {
    if (!e->work.count(n)) continue;
    all.push_back(e->work[n]);
    if (!functions.find(all.back().function)) return CUDA_ERROR_INVALID_HANDLE;  // its module was unloaded
    if (CUresult r = check_addresses(all.back(), e->context)) return r;
  }
  return order(stream, [all] {
    for (const Work &w : all) {
      if (CUresult r = run(w)) return r;
    }
    return CUDA_SUCCESS;
  });
}
