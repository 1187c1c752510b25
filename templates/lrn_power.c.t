$ -- From the sum of squares to s, and s^-beta; multiples of a quarter by square roots.
const vf s = ${share} * sum + ${K};
$ if beta == 1 then
const vf power = 1.0f / s;
$ elseif beta == 0.75 then
const vf root = lathe_sqrt(s), power = 1.0f / (root * lathe_sqrt(root));
$ elseif beta == 0.5 then
const vf power = 1.0f / lathe_sqrt(s);
$ else
const vf power = lathe_power(s, -${beta});
$ end
