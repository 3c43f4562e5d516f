/* build: -static */
/*
 * The smallest ordinary program: what launchers are timed with.
 */
int main(void)
{
	return 0;
}
