/*
 * kubelet.h: pods on this node, by the links that the kubelet keeps to the logs of their
 * containers: /var/log/containers/<pod>_<namespace>_<container>-<id>.log
 * (kubernetes, pkg/kubelet/kuberuntime/legacy.go).  Nobody's API is asked.
 */
#ifndef SYSCLAMP_KUBELET_H
#define SYSCLAMP_KUBELET_H

#include <limits.h>

#include "container.h"
#include "err.h"

/**
 * The name of a container: "<pod>_<namespace>_<container>-<id>", the link's without ".log".
 *
 * @root: what stands in front of the path, or "".
 * Returns 0, or -ENOENT: no link, or not yet: it comes after the container's start.
 */
int kubelet_name(const char *root, const char *id, char out[NAME_MAX + 1]);

/**
 * The running containers of a pod.  One that was restarted has several links, but one of them
 * runs.
 *
 * @pod: "NAMESPACE/NAME", or "NAMESPACE/NAME/CONTAINER".
 * @each: what it returns other than 0 ends that, and is returned.
 * Errors: -EINVAL @pod; -ENOENT no such pod or container here, with those that are there.
 */
int kubelet_find(const char *root, const char *pod,
	int (*each)(void *ctx, const struct container *container), void *ctx, struct err *e);

#endif
