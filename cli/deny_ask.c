#include "deny.h"
int deny_ask_open(const struct deny_request *request, const struct policy *policy, struct deny *out, struct err *e)
{(void)request;(void)policy;(void)out; return err_set(e,95,"not yet");}
