/*
 * recursing.bpf.c: a program that is to run while it runs: what it prints is the event that it is
 * attached to.  The kernel skips the inner run and counts it.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

SEC("tp_btf/bpf_trace_printk")
int on_print(void *ctx)
{
	bpf_printk("inner");
	return 0;
}

SEC("raw_tp")
int print(void *ctx)
{
	bpf_printk("outer");
	return 0;
}
